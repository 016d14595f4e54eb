"""Review in the pages: my rows, a row opened and registered first, a decision; and of other offices' rows nothing."""

from __future__ import annotations

import re
from collections.abc import Callable

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import OFFICER_ID
from exchange.intake.collect import poll
from exchange.pages.compare import code_points, differing, pieces
from exchange.register import ReviewState
from exchange.wire.gb18030 import private_use
from tests.pages.conftest import Pages

Ask = Callable[..., Request]


@pytest.fixture
def doubtful(people: pl.DataFrame) -> pl.DataFrame:
    return people.filter(pl.col("oddity") == "doubtful").head(1)


@pytest.fixture
def batch(app: App, court: DemoPartner, ask: Ask, doubtful: pl.DataFrame) -> str:
    rows = doubtful.select("id_number", "name", "sex").with_row_index("row_ref").write_csv().encode()
    request = ask(rows, 1)
    court.drop(court.make_set(request))
    poll(app)
    assert pipeline.run(app, request.batch)
    return request.batch


def openings(app: App, batch: str) -> int:
    return sum('"opened"' in step.facts for step in app.register.steps(batch))


def test_an_officer_opens_and_decides(pages: Pages, app: App, batch: str, doubtful: pl.DataFrame) -> None:
    _, listed = pages.get("officer", "/review")
    name, number = doubtful["name"][0], doubtful["id_number"][0]
    assert batch in listed
    assert name not in listed
    assert number not in listed
    assert openings(app, batch) == 0

    status, row = pages.post("officer", "/review/open", batch=batch, row="1")
    assert status == 200
    assert number in row
    assert "省厅核实员" in row
    assert "部门将读到 性别核查结果“不一致”</small>" in row
    shown = set(re.findall(r'<tr><th scope="row">(.*?)</th>', row))
    assert shown == {"公民身份号码", "姓名", "性别", "身份存疑", "已注销", "业务编号"}, "nothing that was not asked"
    assert number not in (re.search(r"<title>.*?</title>", row) or [""])[0]
    assert openings(app, batch) == 1

    said = {"answer.identity": "consistent", "answer.sex": "consistent", "reason": "archive", "version": "1"}
    status, _ = pages.post("officer", "/review/decide", batch=batch, row="1", **said)
    assert status == 303
    found = app.register.reviews.get(batch, 1)
    assert found.state is ReviewState.DECIDED
    assert found.decided_by == OFFICER_ID
    assert openings(app, batch) == 1, "deciding opens nothing"
    assert pages.post("officer", "/review/decide", batch=batch, row="1", **said)[0] == 409  # another version by now


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"answer.sex": ""}, 409),
        ({"answer.sex": "no_record"}, 409),
        ({"reason": "none"}, 409),
        ({"reason": "other"}, 409),
        ({"note": "见11010519491231002X"}, 409),
        ({"version": "7"}, 409),
        ({"version": "x"}, 400),
        ({"row": "2"}, 404),
        ({"row": "-1"}, 400),
    ],
)
def test_what_does_not_hold_is_not_decided(
    pages: Pages, app: App, batch: str, change: dict[str, str], status: int
) -> None:
    said = {
        "answer.identity": "consistent",
        "answer.sex": "consistent",
        "reason": "archive",
        "version": "1",
        "row": "1",
    }
    assert pages.post("officer", "/review/open", batch=batch, row="1")[0] == 200
    answered, text = pages.post("officer", "/review/decide", batch=batch, **said | change)
    assert answered == status
    assert "11010519491231002X" not in text
    assert app.register.reviews.get(batch, 1).state is ReviewState.OPEN


@pytest.mark.parametrize("path", ["/review/open", "/review/decide"])
def test_another_offices_row_is_as_if_it_were_not_there(pages: Pages, app: App, batch: str, path: str) -> None:
    given = {"batch": batch, "version": "1", "reason": "archive", "answer.identity": "consistent"}
    missing = pages.post("yanbian", path, row="999", **given)
    assert pages.post("yanbian", path, row="1", **given) == missing
    assert missing[0] == 404
    assert batch not in pages.get("yanbian", "/review")[1]
    assert openings(app, batch) == 0


def test_marks_are_what_differs() -> None:
    pieces = differing("张彦", "张颜")
    assert [(each.text, each.codes) for each in pieces] == [("张", ""), ("彦", "U+5F66")]
    assert "".join(each.text for each in differing("甲乙丙", "乙丁")) == "甲乙丙"
    assert code_points("\ue000") == "U+E000 私用区 private use"


def test_a_character_of_private_use_stands_with_what_it_is() -> None:
    """Alike in both, in one alone, and not compared at all."""
    for private, own in {**private_use(), "\ue000": None}.items():
        said = f"即 {own}" if own else "私用区，字形不明"
        for found, differs in (
            (pieces(f"张{private}二"), False),
            (differing(f"张{private}二", f"张{private}二"), False),
            (differing(f"张{private}二", "张某二"), True),
        ):
            assert [each.text for each in found] == ["张", private, "二"]
            assert [(each.stands_for, each.differs) for each in found] == [("", False), (said, differs), ("", False)]
            assert found[1].codes == f"U+{ord(private):04X} 私用区 private use"
