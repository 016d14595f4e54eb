"""What is said of an error that stopped a step: by the place where it was raised and its kind, of every place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exchange.agreements.agreement import load_agreement
from exchange.base.errors import Halt, Retryable, without_values
from exchange.base.explained import explained, explanations, of_module
from exchange.settings import Settings
from tests.raise_sites import PACKAGE, all_sites

NO_STEPS = {"cli", "pages", "demo", "desk", "docs"}
"""Rooms whose errors go to whoever typed the command or sees the page, and to no task."""


def test_every_place_that_stops_a_step_is_explained() -> None:
    sites = {
        (each.file.removeprefix("exchange/").removesuffix(".py"), "Halt" if each.error == "Halt" else "Retryable")
        for each in all_sites()
        if each.file.split("/")[1] not in NO_STEPS
    }
    helpers = {"base/toml"}  # what reads a file for others: those are explained
    assert len(sites) > 60
    assert {module for module, kind in sites if of_module(module, kind) is None} == helpers


def test_every_module_of_the_table_is_there() -> None:
    for each in explanations().values():
        assert [
            module for module in each.modules if not any((PACKAGE / module).parent.glob(Path(module).name + "*"))
        ] == []
        assert re.search(r"[一-鿿]", each.zh + each.todo_zh)
        assert each.en
        assert each.todo_en


def raised(error: Exception) -> Exception:
    with pytest.raises((Halt, Retryable)) as caught, without_values():
        raise error
    return caught.value


@pytest.mark.parametrize(
    ("error", "code"), [(ValueError("11010519491231002X"), "unexpected"), (OSError(28, "full", "x"), "disk")]
)
def test_what_nobody_foresaw(error: Exception, code: str) -> None:
    found = explained(raised(error))
    assert found.code == code
    assert "11010519491231002X" not in f"{found}"


def test_a_file_that_is_not_toml_is_explained_by_what_it_is(tmp_path: Path) -> None:
    broken = tmp_path / "bank.toml"
    broken.write_text("= 1", "utf-8")
    for read, code in ((load_agreement, "agreement"), (Settings.load, "settings")):
        with pytest.raises(Halt) as caught:
            read(broken)
        assert explained(caught.value).code == code


def test_what_comes_from_nowhere_is_the_steps() -> None:
    assert explained(Halt("x")).code == "step"
