"""Lists at the terminal: nothing is cut at 80 columns, machines get every cell, people are read by their names,
headings are Chinese with English beside, and completion knows the commands.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from exchange.cli import listing
from exchange.cli.listing import NOTHING, Coded, folded, show, unheaded
from tests.examples import one_in

COLUMNS = {"batch": "批次 batch", "why": "原因 why", "state": "状态 state", "due": "时限 due"}
LINES = [
    (
        f"social-security-yanbian.2026-half-yearly-{number:04}",
        "身份存疑、重号或重户；退回：依据不足",
        "open",
        "2026-11-27",
    )
    for number in range(3)
]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    written = io.StringIO()
    monkeypatch.setattr(listing, "out", Console(file=written, width=80, highlight=False))
    return written


def columns_of(text: str) -> list[str]:
    """What stands in each column, its folded lines put together."""
    rows = [line.split("│") for line in text.splitlines() if "│" in line]
    return ["".join(cells[place].strip() for cells in rows) for place in range(1, len(rows[0]))]


def test_nothing_is_cut_at_80_columns(printed: io.StringIO) -> None:
    show(COLUMNS, LINES, "none", as_json=False, as_csv=False)
    text = printed.getvalue()
    assert max(Console().measure(line).maximum for line in text.splitlines()) <= 80
    assert "…" not in text
    assert text.count("2026-11-27") == len(LINES), "a day is on one line"
    found = columns_of(text)
    for place, column in enumerate(zip(*LINES, strict=True)):
        for cell in column:
            assert cell in found[place]


REGISTER = ("batch", "state", "cycle", "rows", "received", "due", "refused_for")


@pytest.mark.parametrize("letters", [20, 30, 34])
def test_ids_are_whole_on_one_line_while_the_others_can_fold(letters: int) -> None:
    """What ``register list`` and ``register configuration`` tell: an id is copied."""
    batch = "a" * (letters - 3) + ".42"
    listed = folded({name: f"{name}" for name in REGISTER})
    listed.add_row(batch, "delivered", "ad_hoc", "1000000", "2026-11-27 22:33:11", "2026-11-28", "")
    known = folded({"name": "名称 name", "sha256": "校验 SHA-256", "since": "登记 told"})
    known.add_row(batch, "0f" * 32, "2026-11-27 10:00:00")
    for table in (listed, known):
        written = io.StringIO()
        Console(file=written, width=80).print(table)
        assert batch in written.getvalue()
        assert "2026-11-27" in written.getvalue()


@pytest.mark.parametrize("refused", ["", "rows_unreadable row 12 id_number"])
def test_the_last_column_is_whole_too(refused: str) -> None:
    """And one of nothing leaves its room to the others."""
    table = folded({name: f"{name} 栏" for name in REGISTER})
    cells = (
        "court-changchun.2026-11-23-jurors-2",
        "delivered",
        "ad_hoc",
        "1000000",
        "2026-11-29 02:58:23",
        "2026-11-29",
    )
    table.add_row(*cells, refused)
    for width in (80, 120, 200):
        written = io.StringIO()
        Console(file=written, width=width).print(table)
        text = written.getvalue()
        assert len({Console().measure(line).maximum for line in text.splitlines()}) == 1
        *shown, behind = [each.replace(" ", "") for each in columns_of(text)]
        assert shown == [each.replace(" ", "") for each in (*cells, refused) if each]
        assert behind == "", "the frame is whole"


ROOM = Path(listing.__file__).parent
IDS = st.text("abcdefghij0123456789.-[]/=", min_size=30, max_size=90)


@one_in(3)
@given(st.lists(IDS, min_size=2, max_size=7))
def test_a_cell_is_text_and_is_never_cut(cells: list[str]) -> None:
    """Whatever brackets a letter's number or a note has."""
    for table in (folded({f"{number}": "号" for number in range(len(cells))}), unheaded(columns=len(cells))):
        table.add_row(*cells)
        written = io.StringIO()
        Console(file=written, width=80).print(table)
        found = [[part.strip() for part in re.split("[│┃]", line)[1:-1]] for line in written.getvalue().splitlines()]
        rows = [row for row in found if len(row) == len(cells) and set(row) != {"号"}]
        assert ["".join(column) for column in zip(*rows, strict=True)] == cells


@pytest.mark.parametrize("before", ["", "\x1b[2J\x1b]52;c;eA==\x07", "\x9b2K\r", "\u202e", "\x00", "\u2066\u2028"])
@one_in(3)
@given(st.text(max_size=20))
def test_no_cell_has_a_terminal_obey_it(before: str, typed: str) -> None:
    """An officer looks at what a partner wrote beside what the register holds: none of it writes over the other."""
    table = unheaded()
    table.add_row("住址", f"{before}{typed}")
    written = io.StringIO()
    Console(file=written, width=80).print(table)
    letters = set(written.getvalue()) - {"\n"}
    assert [letter for letter in letters if unicodedata.category(letter) in ("Cc", "Zl", "Zp")] == []
    assert [letter for letter in letters if unicodedata.bidirectional(letter)[:2] in ("LR", "RL", "PD", "FS")] == []
    assert not before or f"U+{ord(before[0]):04X}" in written.getvalue()


@pytest.mark.parametrize("title", [None, "放行 releases"])
def test_a_table_of_nothing_says_so_in_words(title: str | None) -> None:
    for table in (folded(COLUMNS, title), unheaded(title)):
        written = io.StringIO()
        Console(file=written, width=80).print(table)
        assert written.getvalue() == (f"{title}：" if title else "") + f"{NOTHING}\n"


def calls(*names: str) -> Iterator[tuple[str, ast.Call]]:
    """Module of the command line and each call of one of these functions in it."""
    for path in sorted(ROOM.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                yield path.stem, node


def test_there_is_no_other_kind_of_table() -> None:
    """``demo`` has one of its own, narrow by design."""
    assert {module for module, _ in calls("Table")} == {"demo"}


def headings() -> Iterator[str]:
    for module, call in calls("folded", "show_list", "show"):
        (columns,) = call.args[:1]
        if isinstance(columns, ast.Name) and columns.id.isupper():
            yield from getattr(import_module(f"exchange.cli.{module}"), columns.id).values()
        elif isinstance(columns, ast.Dict):
            yield from (ast.literal_eval(each) for each in columns.values)


def test_headings_are_chinese_with_english_beside() -> None:
    found = list(headings())
    assert len(found) > 70
    assert [each for each in found if not (re.search("[一-鿿]", each) and re.search("[A-Za-z]", each))] == []


def test_people_are_read_by_their_names_and_machines_get_ids(printed: io.StringIO) -> None:
    columns, line = {"batch": "批次 batch", "by": "经办 by"}, ("a.p-1", "p-1")
    for as_json in (False, True):
        show(columns, [line], "none", as_json=as_json, as_csv=False, who=lambda person: f"王（{person}）")
    table, _, machines = printed.getvalue().partition("[")
    assert "王（p-1）" in table
    assert "a.p-1 " in table
    assert "王" not in machines


def test_people_read_words_and_machines_get_codes(printed: io.StringIO) -> None:
    columns, line = {"batch": "批次 batch", "state": "状态 state"}, ("a.p-1", Coded("delivered", "已送达"))
    for as_json, as_csv, shown, hidden in (
        (False, False, "已送达", "delivered"),
        (True, False, '"delivered"', "已送达"),
        (False, True, "a.p-1,delivered", "已送达"),
    ):
        show(columns, [line], "none", as_json=as_json, as_csv=as_csv)
        assert shown in printed.getvalue()
        assert hidden not in printed.getvalue()
        printed.truncate(0)
        printed.seek(0)


CODES = ("state", "urgency", "cycle")


def codes(tree: ast.AST) -> set[tuple[int, int]]:
    """Where ``….state.value`` and its like stand in it: a code, as machines read it."""
    return {
        (node.lineno, node.col_offset)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in ("value", "name")
        and isinstance(node.value, ast.Attribute)
        and node.value.attr in CODES
    }


def test_a_code_is_printed_beside_its_word_alone() -> None:
    """Wherever the command line takes one: within ``Coded``, which has the words, too."""
    beside = {module: set[tuple[int, int]]() for module, _ in calls("Coded")}
    for module, call in calls("Coded"):
        beside[module] |= codes(call)
    found = {path.stem: codes(ast.parse(path.read_text("utf-8"))) for path in ROOM.glob("*.py")}
    assert sum(map(len, found.values())) > 3
    assert {module: left for module, places in found.items() if (left := places - beside.get(module, set()))} == {}


def test_machines_get_every_cell(printed: io.StringIO) -> None:
    show(COLUMNS, LINES, "none", as_json=True, as_csv=False)
    assert [tuple(each.values()) for each in json.loads(printed.getvalue())] == LINES
    printed.truncate(0)
    printed.seek(0)
    show(COLUMNS, LINES, "none", as_json=False, as_csv=True)
    assert [tuple(line) for line in csv.reader(io.StringIO(printed.getvalue()))] == [tuple(COLUMNS), *LINES]


@pytest.mark.parametrize(("as_json", "as_csv", "said"), [(False, False, "none\n"), (True, False, "[]\n")])
def test_nothing_is_said_as_such(printed: io.StringIO, as_json: bool, as_csv: bool, said: str) -> None:
    show(COLUMNS, [], "none", as_json=as_json, as_csv=as_csv)
    assert printed.getvalue() == said


def test_a_shell_completes_commands_of_a_group_and_their_options() -> None:
    program = (
        "import sys; sys.argv[0] = 'exchange'; from exchange.cli.main import commands; commands(prog_name='exchange')"
    )
    asked = {"_EXCHANGE_COMPLETE": "complete_bash", "COMP_WORDS": "exchange release list --j", "COMP_CWORD": "3"}
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | asked,
    )
    assert ended.stdout.split() == ["--json"]
