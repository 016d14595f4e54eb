"""What stops somebody at a page is said in Chinese with English beside: a rule over every place that stops them."""

from __future__ import annotations

import ast
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.base.errors import Halt
from exchange.base.paths import ROOT
from exchange.review.worklist import ASKED, KEPT, SHOWN, FilledLine, check_lines
from tests.pages.conftest import Pages

ROOMS = ("agreements", "pages", "register", "review", "snapshots")
BESIDE = (
    "base/files.py", "base/keyed.py", "base/toml.py", "settings.py", "steps/agreed.py", "steps/answers.py",
    "steps/second_look.py", "wire/certificates.py",
)  # fmt: skip
"""What the pages call for a decision, beside the rooms of their own."""

PACKAGE = ROOT / "exchange"
FILES = sorted({*(path for room in ROOMS for path in (PACKAGE / room).rglob("*.py")), *(PACKAGE / n for n in BESIDE)})


def stops(tree: ast.AST) -> Iterator[ast.Call]:
    """Where an error that somebody reads is made."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Halt", "Retryable"):
            yield node


def has_chinese(stop: ast.Call) -> bool:
    """Whether it says so in Chinese; of a text that is made elsewhere it is believed."""
    zh = next((each.value for each in stop.keywords if each.arg == "zh"), None)
    if isinstance(zh, (ast.Constant, ast.JoinedStr)):
        return any("\u4e00" <= letter <= "\u9fff" for letter in ast.unparse(zh))
    return zh is not None


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_stop_is_told_in_chinese(path: Path) -> None:
    for call in stops(ast.parse(path.read_text(encoding="utf-8"))):
        assert has_chinese(call), f"line {call.lineno}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_code_of_a_state_stands_in_a_chinese_sentence(path: Path) -> None:
    for call in stops(ast.parse(path.read_text(encoding="utf-8"))):
        for zh in (each.value for each in call.keywords if each.arg == "zh"):
            shown = [ast.unparse(part.value) for part in ast.walk(zh) if isinstance(part, ast.FormattedValue)]
            assert not any(each.endswith("state") for each in shown), f"line {call.lineno}"


def test_the_rule_finds_something() -> None:
    assert sum(len(list(stops(ast.parse(path.read_text(encoding="utf-8"))))) for path in FILES) > 50


def test_a_page_says_it_chinese_first_and_names_who_works_here(pages: Pages) -> None:
    status, text = pages.post("officer", "/objection/open", batch="no.such", row="1", letter="见11010519491231002X")
    assert status == 409
    assert "未能办理：备注不超过 200 字，不得填写身份证号</h1>" in text
    assert "a note has at most 200 characters" in text
    assert text.index("备注不超过") < text.index("a note has at most")


def test_a_work_list_names_every_wrong_line_in_both() -> None:
    cells = dict.fromkeys((*SHOWN, *ASKED, *KEPT), "x")
    with pytest.raises(Halt) as halted:
        check_lines([FilledLine(number, cells, {}) for number in (2, 3)], {}, {}, b"key")
    assert [line.partition("：")[0] for line in halted.value.zh.splitlines()] == ["第 2 行", "第 3 行"]
    assert str(halted.value).splitlines()[1].startswith("line 3: ")


def test_a_message_goes_with_an_error_from_one_process_to_another() -> None:
    there = pickle.loads(pickle.dumps(Halt("look", zh="请看")))  # noqa: S301
    assert (str(there), there.zh, there.in_both) == ("look", "请看", "请看 · look")
    assert Halt("look").in_both == "look"
