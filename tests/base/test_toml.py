"""Files that people write: what is named and cannot be read as a file is told, in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.base.errors import Halt
from exchange.settings import ENVIRONMENT_VARIABLE, Settings


@pytest.mark.parametrize("named", ["", ".", "nothing.toml", "file/below.toml"])
def test_settings_that_are_no_file_are_named_with_where_to_name_them(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, named)
    with pytest.raises(Halt, match=ENVIRONMENT_VARIABLE) as raised:
        Settings.load()
    assert "设置文件" in raised.value.in_both
