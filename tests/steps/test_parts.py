"""A batch's rows go through in parts: what comes out does not tell how they were parted, and the gate judges all."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import select

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt, Retryable
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import to_csv
from exchange.demo.province.claims import Claims, make_claims
from exchange.intake.collect import poll
from exchange.matching.id_numbers import KEY
from exchange.output.masking import mask
from exchange.register import NewReview, ReviewFilter, State
from exchange.register.database import reading
from exchange.register.guard import GuardEvidenceRow
from exchange.register.models import ReviewRow
from exchange.register.told import ToldRow, unpacked
from exchange.steps import decided_before, prepare, process, request
from exchange.steps.answers import NUMBER, BatchContext
from exchange.steps.asked import Asked, number_keys
from exchange.steps.disclosure import SpotCheck
from exchange.steps.guarding import Watch

Ask = Callable[..., Request]
ITEMS = ("id_number", "name", "sex", "criminal_record")
ROWS = 300
WHOLE = 1 << 20


@pytest.fixture
def claims(people: pl.DataFrame, offenders: pl.Series) -> Claims:
    return make_claims(people, offenders, ITEMS, ROWS, seed=9, approved=True)


@pytest.fixture
def in_parts_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    monkeypatch.setattr(
        SpotCheck, "of", lambda *_: SpotCheck(b"the same rows of each batch", "court", date(2026, 11, 2), 0.05)
    )

    def set_size(size: int) -> None:
        monkeypatch.setattr(request, "BYTES_IN_PART", size)
        monkeypatch.setattr(process, "ROWS_IN_PART", size // 100)  # beyond so many a batch is a large one

    return set_size


def is_der(envelope: Path) -> bool:
    """Whether no length in it is left open (X.690, 10.1), as all readers of CMS have it."""
    command = ["openssl", "asn1parse", "-inform", "DER", "-in", str(envelope)]
    return b"l=inf" not in subprocess.run(command, check=True, capture_output=True).stdout


def claimed(app: App, court: DemoPartner, asked: Request) -> str:
    court.drop(court.make_set(asked))
    assert asked.batch in poll(app).waiting
    return asked.batch


@pytest.mark.parametrize("ragged", [False, True])
def test_parts_of_any_size_make_the_same_file(
    app: App, court: DemoPartner, ask: Ask, claims: Claims, in_parts_of: Callable[[int], None], ragged: bool
) -> None:
    data = to_csv(claims.rows)
    if ragged:
        lines = data.splitlines(keepends=True)
        data = b"".join([*lines[:200], b"R,too,few\r\n", *lines[201:]])
    found = []
    for size in (WHOLE, 9_000, 1_000):
        in_parts_of(size)
        batch = claimed(app, court, ask(data, ROWS, items=ITEMS))
        pipeline.run(app, batch)
        result = court.result(batch)
        reviews = app.register.reviews.find(ReviewFilter(batch=batch))
        open_rows = [(review.row, review.division, review.causes) for review in reviews]
        told = (result.manifest["answers"], result.manifest["rows_open"], app.register.answer_counts(batch))
        assert is_der(app.archive.path(result.manifest["encrypted"]["sha256"]))
        found.append((result.data, open_rows, told, whom_it_asked(app, batch)))
    assert found[0][0].count(b"\r\n") == ROWS + 1
    assert len(found[0][1]) > 5
    assert found[1] == found[0]
    assert found[2] == found[0]


def whom_it_asked(app: App, batch: str) -> tuple[object, ...]:
    """What is kept of it: numbers and their rows, and of rows that failed hashes in whatever order."""
    with reading(app.register.engine) as session:
        told, failed = session.get_one(ToldRow, batch), session.get_one(GuardEvidenceRow, batch)
    hashes = zip(*[unpacked(getattr(failed, name)).tolist() for name in ("numbers", "names", "groups")], strict=True)
    counts = (failed.rows, failed.no_such_number, failed.name_disagrees)
    return told.hashes, told.rows, counts, sorted(hashes)


def test_cases_are_the_same_however_many_rows_are_hashed_at_once(
    app: App,
    court: DemoPartner,
    ask: Ask,
    people: pl.DataFrame,
    offenders: pl.Series,
    in_parts_of: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    items = ("id_number", "name", "sex", "birth_date")
    data = to_csv(make_claims(people, offenders, items, ROWS, seed=9, approved=True).rows)
    found = []
    for size, at_once in ((WHOLE, ROWS), (1_000, ROWS), (1_000, 2)):
        in_parts_of(size)
        monkeypatch.setattr(decided_before, "_MANY", at_once)
        batch = claimed(app, court, ask(data, ROWS, items=items))
        pipeline.receive(app, batch)
        pipeline.process(app, batch)
        with reading(app.register.engine) as session:
            rows = select(ReviewRow.row, ReviewRow.case_hash).filter_by(batch_id=batch).order_by(ReviewRow.row)
            found.append([tuple(row) for row in session.execute(rows)])
    assert len({case for _, case in found[0]}) == len(found[0]) > 2
    assert found[1] == found[0]
    assert found[2] == found[0]


def test_the_persons_that_come_with_the_answers_are_those_that_the_claims_name(
    app: App, court: DemoPartner, ask: Ask, claims: Claims, in_parts_of: Callable[[int], None]
) -> None:
    in_parts_of(5_000)
    batch = claimed(app, court, ask(to_csv(claims.rows), ROWS, items=ITEMS))
    pipeline.receive(app, batch)
    context = BatchContext.of(app, app.register.batch(batch))
    parts = list(context.first_parts())
    assert len(parts) > 2
    for asked, answers in parts:
        assert answers[KEY].equals(number_keys(asked, context.today)[NUMBER])
    assert any(answers[KEY].has_nulls() for _, answers in parts)
    assert KEY not in context.first_matched().columns


def test_what_the_last_part_shows_to_the_gate_stops_the_first(
    app: App,
    court: DemoPartner,
    ask: Ask,
    claims: Claims,
    in_parts_of: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    in_parts_of(5_000)
    batch = claimed(app, court, ask(to_csv(claims.rows), ROWS, items=ITEMS))
    pipeline.receive(app, batch)
    last = claims.rows["row_ref"][-1]

    def forgets_the_last_row(answers: pl.DataFrame, id_number: str, name: str) -> pl.DataFrame:
        whole = pl.when(pl.col("row_ref") == last).then(pl.lit("11010519491231002X")).otherwise("id_number")
        return mask(answers, id_number, name).with_columns(whole.alias("id_number"))

    kept, outgoing = set(app.archive.folder.glob("??/*")), app.settings.home / "outgoing"
    before = set(outgoing.glob("*"))
    with monkeypatch.context() as patched:
        patched.setattr(prepare, "mask", forgets_the_last_row)
        with pytest.raises(Halt, match="unmasked_numbers is 1"):
            pipeline.process(app, batch)
    assert set(app.archive.folder.glob("??/*")) == kept
    assert set(outgoing.glob("*")) == before
    assert app.register.batch(batch).state is State.ACCEPTED
    pipeline.run(app, batch)
    assert app.register.batch(batch).state in (State.DELIVERED, State.CLOSED)


@pytest.mark.parametrize(
    ("what", "size"),
    [
        ((Asked, "told"), WHOLE * 100),
        ((Asked, "told"), 9_000),
        ((Watch, "evidence"), WHOLE * 100),
        ((Watch, "judged_ahead"), 9_000),
    ],
    ids=["told after", "told beside", "guard after", "guard beside"],
)
@pytest.mark.parametrize(
    "error", [Halt("fails"), Retryable("fails"), RuntimeError("fails")], ids=lambda e: type(e).__name__
)
@pytest.mark.parametrize("queue_fails", [False, True])
def test_what_goes_wrong_with_the_guard_or_the_queue_is_raised_as_it_is(
    app: App,
    court: DemoPartner,
    ask: Ask,
    claims: Claims,
    in_parts_of: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    what: tuple[type, str],
    size: int,
    error: Exception,
    queue_fails: bool,
) -> None:
    """The queue's trouble goes before that of whom it asks about, whether the two are worked out side by side or not,
    and both before the guard's; no thread stays, and the next try has the answer.
    """
    in_parts_of(size)
    batch = claimed(app, court, ask(to_csv(claims.rows), ROWS, items=ITEMS))
    pipeline.receive(app, batch)
    in_threads, of_queue = list[bool](), Retryable("queue")

    def fails(*_: object) -> None:
        in_threads.append(threading.current_thread() is not threading.main_thread())
        raise error

    def queue(_: BatchContext, reviews: Sequence[NewReview]) -> list[NewReview]:
        if queue_fails:
            raise of_queue
        return list(reviews)

    with monkeypatch.context() as patched:
        patched.setattr(*what, fails)
        patched.setattr(process, "as_before", queue)
        threads = threading.active_count()
        with pytest.raises(Exception, match=r"fails|queue") as raised:
            pipeline.process(app, batch)
        assert threading.active_count() <= threads
    assert raised.value is (of_queue if queue_fails else error)
    beside = size == 9_000
    assert in_threads == ([True] if beside else [] if queue_fails else [False])
    assert app.register.batch(batch).state is State.ACCEPTED
    assert not app.register.reviews.find(ReviewFilter(batch=batch))
    pipeline.run(app, batch)
    assert court.result(batch).data.count(b"\r\n") == ROWS + 1
