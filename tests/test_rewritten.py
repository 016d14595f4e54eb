"""What is rewritten before a run is what pytest then takes."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from _pytest.assertion.rewrite import AssertionRewritingHook

from tests.rewritten import TESTS, files, rewrite

WRONG = "def test_wrong() -> None:\n    found = [7]\n    assert found == [8]\n"


def test_each_file_of_ours_that_pytest_rewrites_is_among_them(request: pytest.FixtureRequest) -> None:
    hook = request.config.pluginmanager.rewrite_hook
    assert isinstance(hook, AssertionRewritingHook)
    ours = {file for file in hook._rewritten_names.values() if file.is_relative_to(TESTS)}
    plugins = {TESTS / f"{name.removeprefix('tests.')}.py" for name in request.config.option.plugins}  # -p: read before
    assert Path(__file__) in ours
    assert ours - plugins <= set(files())


def test_pytest_takes_what_was_rewritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """A file that was rewritten is not rewritten again, and its assertions still say what they compared."""
    file = tmp_path / "test_wrong.py"
    file.write_text(WRONG, encoding="utf-8")
    rewrite(file, request.config)

    def never(*_: object) -> None:
        pytest.fail("rewritten a second time")

    monkeypatch.setattr("_pytest.assertion.rewrite._rewrite_test", never)
    monkeypatch.setattr("tests.rewritten._rewrite_test", never)
    rewrite(file, request.config)
    hook = request.config.pluginmanager.rewrite_hook
    assert isinstance(hook, AssertionRewritingHook)
    spec = spec_from_file_location("test_wrong", file, loader=hook)
    assert spec is not None
    module = module_from_spec(spec)
    hook.exec_module(module)
    with pytest.raises(AssertionError, match=r"assert \[7\] == \[8\]"):
        module.test_wrong()
