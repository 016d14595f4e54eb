"""The batch's page as those see it who may reach it: of records an operator reads how many rows, no answers.

Of a batch of one row, beside the letter of introduction, a count is somebody's.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import polars as pl
import pytest
from typer.testing import CliRunner

from exchange import pipeline
from exchange.agreements.sections import LETTER_ITEMS
from exchange.app import App
from exchange.base.tables import ANSWERS
from exchange.cli.main import commands
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.register import Batch, State
from exchange.supervision import labels
from exchange.supervision.states import not_resumed
from tests.pages.conftest import Pages
from tests.pages.releases import asked_of_records, release_of
from tests.pages.test_approval import shown

TELLING = ("under_review", "awaiting_approval", "no_record", "record_found")


def told(pages: Pages, login: str, batch: str) -> str:
    """The part of the page that counts the answers to the item of offence records."""
    status, text = pages.get(login, f"/batch/{batch}")
    assert status == 200
    (item,) = LETTER_ITEMS
    rows = [row.partition("</tr>")[0] for row in text.split("<tr>") if f"<td>{labels.item(item)}</td>" in row]
    assert rows
    return "".join(rows)


def answers_in(text: str) -> set[str]:
    return {code for code in TELLING if ANSWERS[code].zh in text}


@pytest.mark.parametrize("hit", [True, False])
def test_before_the_release_an_operator_reads_the_same_with_and_without_a_record(
    pages: Pages, officer: App, education: DemoPartner, asked: pl.DataFrame, *, hit: bool
) -> None:
    batch = asked_of_records(officer, education, asked.head(1) if hit else asked.tail(1))
    for login in ("op", "admin"):
        assert answers_in(told(pages, login, batch)) == set()
        assert "<td>1</td>" in told(pages, login, batch), "how many rows"
    for login in ("supervisor", "leader"):
        assert answers_in(told(pages, login, batch)) == {"under_review" if hit else "awaiting_approval"}


def test_what_is_told_of_a_batch_is_told_in_chinese(
    pages: Pages, officer: App, education: DemoPartner, asked: pl.DataFrame
) -> None:
    """Whatever has a word of English has one in Chinese before it: of an expected set how it came had none."""
    batch = asked_of_records(officer, education, asked)
    told_of = re.findall("<dd>(.*?)</dd>", pages.get("op", f"/batch/{batch}")[1])
    assert "按期 on time" in told_of
    assert [text for text in told_of if re.search("[a-z]", text) and not re.match("[^a-z]*[\u4e00-\u9fff]", text)] == []


def test_an_operator_reads_no_answer_about_records_after_the_release(
    pages: Pages, officer: App, education: DemoPartner, asked: pl.DataFrame
) -> None:
    release = release_of(officer, education, asked.head(1))
    pages.post("leader", "/approval/approve", **shown(pages, release))
    pipeline.issue(officer, release.id)
    assert answers_in(told(pages, "op", release.batch)) == set()
    assert ANSWERS["record_found"].zh not in pages.get("op", f"/batch/{release.batch}")[1]


def test_a_refusal_is_told_in_words_with_its_place_and_code(
    pages: Pages,
    app: App,
    court: DemoPartner,
    ask: Callable[..., Request],
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On the batch's page and at the terminal alike."""
    monkeypatch.setenv("EXCHANGE_CONFIG", str(world.config))
    request = ask()
    court.drop(court.make_set(request))
    poll(app)
    app.register.refuse(request.batch, "column_missing", row=3, column="sex")
    words = labels.refused_for("column_missing", 3, "sex")
    assert words.endswith(" column_missing（第 3 行 row 3，sex）")
    assert words in html.unescape(pages.get("supervisor", f"/batch/{request.batch}")[1])
    table = CliRunner().invoke(commands, ["register", "show", request.batch]).output
    assert re.sub(r"\s", "", words) in re.sub(r"\s", "", table)


def test_a_pause_that_nobody_ended_says_whether_it_still_is(
    pages: Pages,
    officer: App,
    opened: Callable[[str], App],
    education: DemoPartner,
    asked: pl.DataFrame,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On the batch's page and at the terminal, while the batch is open and once it is done."""
    monkeypatch.setenv("EXCHANGE_CONFIG", str(world.config))
    release = release_of(officer, education, asked.head(1))
    assert officer.register.clock.propose(release.batch, officer.now(), "record_unclear")
    opened("leader").register.clock.approve(release.batch, officer.now())

    def said() -> set[str]:
        page = pages.get("supervisor", f"/batch/{release.batch}")[1]
        table = CliRunner().invoke(commands, ["clock", "show", release.batch]).output.replace("\n", "")
        told = {str(not_resumed(state)) for state in State}
        return {words for words in told if words in page and words.split()[0] in table}

    assert said() == {str(not_resumed(State.DELIVERED))}
    pages.post("leader", "/approval/approve", **shown(pages, release))
    pipeline.issue(officer, release.id)
    done: Batch = officer.register.batch(release.batch)
    assert (done.state, done.clock_stands) == (State.CLOSED, True)
    assert said() == {str(not_resumed(State.CLOSED))}
