"""The files of the specification as they are read and printed; the cases themselves are run by ``tests/spec/``."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from exchange.base.errors import Halt
from exchange.cli.main import commands
from exchange.docs import specifications
from exchange.docs.markdown import visible
from exchange.docs.rulebook import rules_page
from exchange.docs.specifications import examples, read_specification, read_specifications

FILE = """
zh = "身高"
en = "Height"
source = "无"
received = 2026-11-23
strange = { why = [1, 2] }
[[rule]]
zh = "量。"
en = "Measure."
[[written]]
columns = ["height"]
examples = true
zh = "厘米"
en = "centimetres"
[[person]]
name = "王芳"
[[case]]
claim = { height = "170" }
answer = { height = "consistent", note = "id_repaired;id_from_15" }
zh = "相同"
en = "the same"
[[case]]
claim = { height = " 170|厘米\\u3000x" }
answer = { height = "consistent" }
verdict = "no such key is known"
zh = "有单位"
en = "with its unit"
[[case]]
claim = { height = "高" }
answer = { height = "claim_format" }
zh = "不是数"
en = "no number"
[[case]]
claim = { height = "" }
answer = { height = "claim_missing" }
zh = "未填"
en = "left empty"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "height.toml").write_text(FILE, encoding="utf-8")
    return tmp_path


def test_what_the_page_shows(folder: Path) -> None:
    page = rules_page(read_specifications(folder))
    assert "- [身高 · Height](#height)" in page
    assert "1. 量。<br>Measure." in page
    assert "|  `strange.why` | 1、2 |" in page
    assert "一致 `consistent`" in page
    assert "号码已规范（全角、空格、小写等） `id_repaired`；15位号码已升为18位 `id_from_15`" in page
    assert "`␠170\\|厘米⟨U+3000⟩x`" in page
    assert "| `no such key is known` |" in page
    assert "未填<br>left empty" in page


def test_examples_are_the_claims_of_the_cases(folder: Path) -> None:
    (found,) = read_specifications(folder)
    (writing,) = found.writings
    assert examples(found, writing, read=True) == ["170", " 170|厘米\u3000x"]
    assert examples(found, writing, read=False) == ["高"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("张三", "`张三`"),
        ("张 三", "`张 三`"),
        (" 张三  ", "`␠张三␠␠`"),
        ("  ", "`␠␠`"),
        ("", "（空）"),
        ("a|b", "`a\\|b`"),
        ("\ue81e", "`⟨U+E81E⟩`"),
        ("\ufeff\t\u3000", "`⟨U+FEFF⟩⟨U+0009⟩⟨U+3000⟩`"),
        ("三\ufe00", "`三⟨U+FE00⟩`"),
        ("\uf92c", "`⟨U+F92C⟩`"),
    ],
)
def test_nothing_stays_unseen(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize("left_out", ["zh =", "source =", "[[rule]]", "[[case]]"])
def test_a_file_without_its_common_part_fails(folder: Path, left_out: str) -> None:
    path = folder / "height.toml"
    path.write_text(FILE.replace(left_out, left_out.replace("[[", "[[not_").replace(" =", "_not =")), encoding="utf-8")
    with pytest.raises((KeyError, TypeError)):
        read_specification(path)


def test_without_a_checkout_the_command_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Halt, match="in a checkout of the project"):
        read_specifications(tmp_path / "none")
    monkeypatch.setattr(specifications.read_specifications, "__defaults__", (tmp_path,))
    ended = CliRunner().invoke(commands, ["schemas", "--check"])
    assert ended.exit_code == 70
