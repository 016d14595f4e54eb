"""Rows that had to wait: officers decide, a leader approves, and a supplementary result follows."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from datetime import timedelta

import openpyxl
import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.matching.decide import decide as decide_rows
from exchange.register import Decision, Outcome, Release, ReleaseState, ReviewFilter, ReviewState, State
from exchange.review.case import load_cases
from exchange.review.decisions import complete
from exchange.snapshots.versions import Snapshots
from exchange.steps.release import CHANGED, answers_sha256

Ask = Callable[..., Request]
RECORDS = ("id_number", "name", "criminal_record")


@pytest.fixture
def clean(people: pl.DataFrame, offenders: pl.Series, barred: pl.Series) -> pl.DataFrame:
    """Nobody of whom court or school may be told."""
    told = pl.col("id_number").is_in(offenders.implode()) | pl.col("id_number").is_in(barred.implode())
    return people.filter((pl.col("oddity") == "") & ~told)


@pytest.fixture
def hit(people: pl.DataFrame, offenders: pl.Series, barred: pl.Series) -> pl.DataFrame:
    """Of whom both are told."""
    told = pl.col("id_number").is_in(offenders.implode()) & pl.col("id_number").is_in(barred.implode())
    return people.filter((pl.col("oddity") == "") & told)


def rows(*people: pl.DataFrame) -> tuple[bytes, int]:
    """A request's rows about these people."""
    asked = pl.concat([each.select("id_number", "name") for each in people]).with_row_index("row_ref", offset=1)
    return asked.with_columns(pl.format("R{}", "row_ref").alias("row_ref")).write_csv().encode(), asked.height


def school(education: DemoPartner, number: str, data: bytes, count: int) -> Request:
    basis = "未成年人保护法第六十二条"
    return Request(f"{education.id}.{number}", "quarterly", "2026-Q4", "hiring_teachers", basis, RECORDS, count, data)


def sent(app: App, partner: DemoPartner, request: Request) -> str:
    partner.drop(partner.make_set(request))
    poll(app)
    assert pipeline.run(app, request.batch)
    return request.batch


def supplement(partner: DemoPartner, batch: str, number: int) -> dict[str, dict[str, str]]:
    """Row reference → the row of a supplementary result, checked and opened as its partner would."""
    result = partner.result(batch, number)
    assert result.manifest["supplement"] == number - 1
    if result.manifest["plain"]["name"].endswith(".csv"):
        rows = csv.DictReader(io.StringIO(result.data.decode("utf-8-sig")))
        return {next(iter(row.values())): row for row in rows}
    head, *cells = openpyxl.load_workbook(io.BytesIO(result.data)).worksheets[0].values
    return {str(row[0]): dict(zip(map(str, head), map(str, row), strict=True)) for row in cells}


def proposed(app: App, batch: str) -> list[Release]:
    return [release for release in pipeline.propose_all(app).releases if release.batch == batch]


def approve(leader: App, release: Release) -> None:
    leader.register.releases.approve(release.batch, release.number, release.answers_sha256 or "")


def decide(app: App, batch: str, row: int, **answers: str) -> None:
    review = app.register.reviews.get(batch, row)
    sight = load_cases(app, batch, [review])[0]
    said = complete(sight.open, answers)
    app.register.reviews.decide(batch, [Decision(row, review.version, said, "archive")])


@pytest.fixture
def leader(world: World) -> Iterator[App]:
    with App.open("leader", world.config) as opened:
        yield opened


def test_no_record_leaves_once_the_leader_approved(
    app: App, leader: App, education: DemoPartner, clean: pl.DataFrame
) -> None:
    batch = sent(app, education, school(education, "rel1", *rows(clean.head(3))))
    assert app.register.batch(batch).state is State.DELIVERED
    assert education.result(batch).manifest["rows_open"] == 3
    (release,) = proposed(app, batch)
    assert release.needs_approval
    assert release.counts["criminal_record"] == {"no_record": 3}
    assert (release.settled, release.upheld) == ({"criminal_record": {"no_record": 3}}, None), "what was open, only"
    with pytest.raises(Halt, match="cannot become"):
        app.register.releases.prepared(batch, 1, [])
    pipeline.issue(app, release.id)
    for shown in ("", "f" * 64):
        with pytest.raises(Halt, match="not what was shown"):
            leader.register.releases.approve(batch, 1, shown)
    assert not [name for name in education.answers() if name.startswith(f"{batch}.result-2")]
    approve(leader, release)
    pipeline.issue(app, release.id)
    pipeline.issue(app, release.id)
    assert {row["无违法犯罪记录核查结果"] for row in supplement(education, batch, 2).values()} == {"未发现记录"}
    assert education.result(batch, 2).manifest["rows_open"] == 0
    assert app.register.batch(batch).state is State.CLOSED
    app.register.verify()


def test_a_hit_needs_an_officer_and_another_ones_approval(
    world: World, app: App, leader: App, education: DemoPartner, clean: pl.DataFrame, hit: pl.DataFrame
) -> None:
    batch = sent(app, education, school(education, "rel2", *rows(clean.head(1), hit.head(1))))
    assert proposed(app, batch) == [], "what only waits for the leader does not tell the hit by leaving first"
    review = app.register.reviews.get(batch, 2)
    assert review.causes == ("criminal_record",)
    decide(leader, batch, 2, criminal_record="record_found")
    (release,) = proposed(app, batch)
    assert (release.rows, release.needs_approval) == ((1, 2), True)
    assert app.register.reviews.deciders(batch, release.rows) == {leader.register.actor}
    with pytest.raises(Halt, match="who decided a row"):
        approve(leader, release)
    assert app.register.releases.get(batch, release.number).state is ReleaseState.PROPOSED
    with App.open("another", world.config) as another:
        approve(another, release)
    pipeline.issue(app, release.id)
    found = supplement(education, batch, release.number + 1)
    assert [row["无违法犯罪记录核查结果"] for row in found.values()] == ["未发现记录", "有记录"]
    assert app.register.batch(batch).state is State.CLOSED


def test_a_person_in_doubt_is_decided_by_an_officer_and_leaves_without_a_leader(
    app: App, court: DemoPartner, ask: Ask, people: pl.DataFrame, clean: pl.DataFrame
) -> None:
    doubtful = people.filter(pl.col("oddity") == "doubtful").head(2)
    data, count = rows(clean.head(1), doubtful)
    batch = sent(app, court, ask(data, count, items=("id_number", "name"), cycle="monthly", period="2026-11"))
    assert proposed(app, batch) == []
    decide(app, batch, 2, identity="consistent")
    assert proposed(app, batch) == [], "the batch's other row is still with an officer"
    decide(app, batch, 3, identity="name_disagrees")
    (release,) = proposed(app, batch)
    assert (release.needs_approval, release.state) == (False, ReleaseState.APPROVED)
    pipeline.issue(app, release.id)
    found = supplement(court, batch, 2)
    assert list(found) == ["R2", "R3"]
    assert [found["R2"][c] for c in ("identity", "id_number_answer", "name_answer")] == ["consistent"] * 3
    assert [found["R3"][c] for c in ("identity", "id_number_answer")] == ["name_disagrees"] * 2
    assert app.register.batch(batch).state is State.CLOSED


def test_on_the_due_day_what_is_decided_goes(
    app: App, later: Callable[[timedelta], App], court: DemoPartner, ask: Ask, people: pl.DataFrame
) -> None:
    doubtful = people.filter(pl.col("oddity") == "doubtful").head(2)
    data, count = rows(doubtful)
    batch = sent(app, court, ask(data, count, items=("name",), cycle="monthly", period="2026-11"))
    decide(app, batch, 1, identity="consistent")
    assert proposed(app, batch) == []
    (release,) = proposed(later(timedelta(days=14)), batch)
    assert release.rows == (1,)


@pytest.fixture
def half_known(people: pl.DataFrame, offenders: pl.Series) -> pl.DataFrame:
    """Whose kinship an officer must look at (the claim says more than the register): with a record, and twice without;
    and somebody without either trouble.
    """
    heads = people.filter(pl.col("relation") == "02").select(
        "household_number", relative_id_number="id_number", relative_name="name", of_head="oddity"
    )
    spouses = people.join(heads, on="household_number").filter(
        pl.col("relation") == "10", pl.col("oddity") == "", pl.col("of_head") == ""
    )
    is_hit = pl.col("id_number").is_in(offenders.implode())
    chosen = pl.concat([spouses.filter(is_hit).head(1), spouses.filter(~is_hit).head(3)])
    asked = chosen.select("id_number", "name", "relative_id_number", "relative_name")
    return asked.with_row_index("row_ref", offset=1).with_columns(relation=pl.Series(["11", "11", "11", "10"]))


@pytest.mark.parametrize("hit", [True, False])
@pytest.mark.parametrize("first", [1, 2])
def test_rows_that_an_officer_has_for_another_item_leave_in_company_hit_or_not(
    app: App,
    later: Callable[[timedelta], App],
    court: DemoPartner,
    ask: Ask,
    half_known: pl.DataFrame,
    first: int,
    *,
    hit: bool,
) -> None:
    """Whichever the officer decides first; not on the due day either: what stays behind would be known to be no hit."""
    asked = half_known.filter(pl.col("row_ref") != (2 if hit else 1)).write_csv().encode()
    about = {"items": ("kinship", "criminal_record"), "cycle": "monthly", "period": "2026-11"}
    batch = sent(app, court, ask(asked, 3, **about))
    found = app.register.reviews.find(ReviewFilter(batch=batch))
    assert {each.row: "criminal_record" in each.causes for each in found} == {1: hit, 2: False}
    said = {1: "record_found" if hit else "no_record", 2: "no_record"}
    decided = {row: {"kinship": "consistent", "criminal_record": code} for row, code in said.items()}
    decide(app, batch, first, **decided.pop(first))
    assert proposed(app, batch) == []
    assert proposed(later(timedelta(days=14)), batch) == []
    ((last, answers),) = decided.items()
    decide(app, batch, last, **answers)
    (release,) = proposed(app, batch)
    assert release.rows == (1, 2, 3)


def test_a_rejection_goes_back_to_the_officer_never_to_the_partner(
    app: App, leader: App, education: DemoPartner, hit: pl.DataFrame
) -> None:
    batch = sent(app, education, school(education, "rel3", *rows(hit.head(1))))
    decide(app, batch, 1, criminal_record="record_found")
    (release,) = proposed(app, batch)
    leader.register.releases.reject(batch, 1, "请再查阅案卷")
    pipeline.issue(app, release.id)
    assert not [name for name in education.answers() if "result-2" in name]
    (review,) = app.register.reviews.find(ReviewFilter(batch=batch))
    assert (review.state, review.returned_for) == (ReviewState.OPEN, "请再查阅案卷")
    assert proposed(app, batch) == []
    decide(app, batch, 1, criminal_record="no_record")
    assert proposed(app, batch) == [], "a rejected release holds its rows until an officer opens it again"
    app.register.releases.reopen(batch, 1, "已查阅")
    (second,) = proposed(app, batch)
    assert second.number == 2
    approve(leader, second)
    pipeline.issue(app, second.id)
    assert next(iter(supplement(education, batch, 3).values()))["无违法犯罪记录核查结果"] == "未发现记录"


def test_what_a_decision_changed_after_the_approval_does_not_leave(
    app: App, leader: App, education: DemoPartner, hit: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the cause: the answers are worked out anew before they leave. Here the matching says something else."""
    batch = sent(app, education, school(education, "changed", *rows(hit.head(1))))
    decide(app, batch, 1, criminal_record="record_found")
    (release,) = proposed(app, batch)
    approve(leader, release)
    with monkeypatch.context() as other:
        other.setattr(
            "exchange.steps.release.looked_at_again",
            lambda _, answers, *__: answers.with_columns(pl.lit("no_record").alias("answer.criminal_record")),
        )
        pipeline.issue(app, release.id)
    withdrawn = app.register.releases.get(batch, 1)
    assert (withdrawn.state, withdrawn.reason) == (ReleaseState.REOPENED, CHANGED)
    assert app.register.reviews.get(batch, 1).state is ReviewState.DECIDED
    assert not [name for name in education.answers() if name.startswith(f"{batch}.result-2")]
    with pytest.raises(Halt, match="cannot become"):
        approve(leader, release)
    pipeline.issue(app, release.id)
    (second,) = proposed(app, batch)
    assert (second.number, second.state, second.judged_by) == (2, ReleaseState.PROPOSED, None)
    approve(leader, second)
    pipeline.issue(app, second.id)
    assert next(iter(supplement(education, batch, 3).values()))["无违法犯罪记录核查结果"] == "有记录"
    app.register.verify()


def test_what_an_earlier_version_proposed_is_proposed_anew(
    app: App, leader: App, education: DemoPartner, clean: pl.DataFrame
) -> None:
    batch = sent(app, education, school(education, "older", *rows(clean.head(1))))
    older = app.register.releases.propose(
        batch, [1], Outcome({"criminal_record": {"no_record": 1}}), needs_approval=True
    )
    assert older is not None
    with pytest.raises(Halt, match="not what was shown"):
        approve(leader, older)
    (anew,) = proposed(app, batch)
    assert (anew.number, anew.rows) == (2, (1,))
    assert app.register.releases.get(batch, 1).state is ReleaseState.REOPENED


FRAME = pl.DataFrame(
    {
        "id_number": ["1", "2"],
        "identity": ["consistent", "consistent"],
        "note": ["", ""],
        "answer.criminal_record": ["no_record", "record_found"],
    }
)


@pytest.mark.parametrize(
    ("rows", "frame"),
    [
        ([1, 3], FRAME),
        ([2, 1], FRAME),
        ([1, 2], FRAME.reverse()),
        *[([1, 2], FRAME.with_columns(pl.lit("other").alias(name))) for name in FRAME.columns if name != "id_number"],
    ],
)
def test_the_hash_tells_rows_and_every_code(rows: list[int], frame: pl.DataFrame) -> None:
    items = ("criminal_record",)
    assert answers_sha256(items, rows, frame) != answers_sha256(items, [1, 2], FRAME)
    assert answers_sha256(items, [1, 2], FRAME.with_columns(id_number=pl.lit("9"))) == answers_sha256(
        items, [1, 2], FRAME
    )


def test_rows_that_waited_for_a_source_are_asked_again(
    app: App,
    court: DemoPartner,
    ask: Ask,
    clean: pl.DataFrame,
    hit: pl.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data, count = rows(clean.head(40), hit.head(1))
    current = Snapshots.current
    with monkeypatch.context() as missing:
        missing.setattr(
            Snapshots, "current", lambda self, source: None if source == "drug_control" else current(self, source)
        )
        batch = sent(app, court, ask(data, count, items=("name", "criminal_record")))  # due at once, by the name
        told = court.result(batch).manifest["answers"]["criminal_record"]
        assert told == {"source_not_ready": 41}, "a hit is not told from those that wait for a source"
        assert proposed(app, batch) == []
    (release,) = proposed(app, batch)
    drawn = app.register.reviews.rows_with(batch, "spot_check")
    assert set(release.rows) == set(range(1, 41)) - drawn
    assert not release.needs_approval, "by the standing approval"
    pipeline.issue(app, release.id)
    assert {row["criminal_record_answer"] for row in supplement(court, batch, 2).values()} == {"no_record"}


@pytest.mark.parametrize("hurried", [False, True])
def test_an_officer_does_not_say_no_record_before_every_source_was_asked(
    app: App,
    leader: App,
    education: DemoPartner,
    people: pl.DataFrame,
    clean: pl.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
    hurried: bool,
) -> None:
    doubtful = people.filter(pl.col("oddity") == "doubtful").head(1)
    current = Snapshots.current
    with monkeypatch.context() as missing:
        missing.setattr(
            Snapshots, "current", lambda self, source: None if source == "drug_control" else current(self, source)
        )
        others = [clean.head(1)] if hurried else []
        batch = sent(app, education, school(education, f"unasked{hurried:d}", *rows(doubtful, *others)))
        with pytest.raises(Halt, match="source is missing"):
            decide(leader, batch, 1, identity="consistent", criminal_record="no_record")
        assert proposed(app, batch) == []
    proposed(app, batch)  # the sources are asked, though nobody waits for them but the officer's row
    decide(leader, batch, 1, identity="consistent", criminal_record="no_record")
    released = {row for release in proposed(app, batch) for row in release.rows}
    assert released == {1, 2} if hurried else {1}


@pytest.fixture
def decided_rows(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each decision was about, as they are made."""
    found: list[int] = []

    def counted(table: pl.DataFrame, *arguments: object, **named: object) -> pl.DataFrame:
        found.append(table.height)
        return decide_rows(table, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("exchange.steps.answers.decide", counted)
    return found


def test_only_what_may_leave_is_decided_and_nothing_where_nothing_changed(
    app: App,
    court: DemoPartner,
    ask: Ask,
    people: pl.DataFrame,
    clean: pl.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
    decided_rows: list[int],
) -> None:
    doubtful = people.filter(pl.col("oddity") == "doubtful").head(2)
    data, count = rows(clean.head(20), doubtful)
    current = Snapshots.current

    def minute() -> list[int]:
        decided_rows.clear()
        proposed(app, batch)
        return list(decided_rows)

    with monkeypatch.context() as missing:
        missing.setattr(
            Snapshots, "current", lambda self, source: None if source == "drug_control" else current(self, source)
        )
        asked = ask(data, count, items=("criminal_record",), cycle="monthly", period="2026-11")
        batch = sent(app, court, asked)
        minute()
        assert minute() == [], "rows wait for a source and for officers"
        decide(app, batch, 21, identity="name_disagrees")
        assert minute() == [], "one is decided, and waits for the others"
    waited = app.register.answer_counts(batch)["criminal_record"]["source_not_ready"]
    again = [waited, waited]
    assert minute() == [*again, waited + 1, waited], "those that waited; then all that leave for approval"
    assert minute() == [], "the last row is with an officer"
    decide(app, batch, 22, identity="name_disagrees")
    assert minute() == [1]
    assert minute() == []
    assert [len(release.rows) for release in app.register.releases.of(batch)] == [waited + 1, 1]


def test_what_was_lost_from_the_cache_is_found_again(
    app: App, education: DemoPartner, clean: pl.DataFrame, hit: pl.DataFrame
) -> None:
    batch = sent(app, education, school(education, "lost", *rows(clean.head(3), hit.head(1))))
    decide(app, batch, 4, criminal_record="no_record")
    for path in app.cache.folder.glob("*"):
        path.unlink()
    (release,) = proposed(app, batch)
    assert release.rows == (1, 2, 3, 4)


def test_a_returned_row_does_not_leave_with_what_was_returned(
    app: App, leader: App, later: Callable[[timedelta], App], education: DemoPartner, hit: pl.DataFrame
) -> None:
    batch = sent(app, education, school(education, "returned", *rows(hit.head(2))))
    due = later(timedelta(days=60))
    decide(app, batch, 1, criminal_record="record_found")
    assert proposed(due, batch) == [], "whoever is still missing after the due day would be a hit"
    decide(app, batch, 2, criminal_record="record_found")
    (release,) = proposed(due, batch)
    assert release.rows == (1, 2)
    leader.register.releases.reject(batch, 1, "请再查阅案卷")
    app.register.releases.reopen(batch, 1, "已查阅")
    assert proposed(due, batch) == [], "nobody decided it again"
    decide(app, batch, 1, criminal_record="no_record")
    assert proposed(due, batch) == [], "one of the two was not decided again"
    decide(app, batch, 2, criminal_record="record_found")
    (second,) = proposed(due, batch)
    assert (second.rows, second.counts["criminal_record"]) == ((1, 2), {"no_record": 1, "record_found": 1})


def test_an_objection_gets_a_second_look(
    app: App, leader: App, court: DemoPartner, ask: Ask, clean: pl.DataFrame
) -> None:
    person = clean.head(1)
    wrong = "女" if person["sex"][0] == "1" else "男"
    data = f"row_ref,id_number,name,sex\nA1,{person['id_number'][0]},{person['name'][0]},{wrong}\n".encode()
    first = sent(app, court, ask(data, 1))
    assert app.register.answer_counts(first)["sex"] == {"inconsistent": 1}
    data = "业务编号,异议说明\nA1,当事人持有户口簿\nA9,\n".encode()
    about = {"cycle": "objection", "items": ("sex",), "objects_to": first}
    batch = sent(app, court, ask(data, 2, **about))
    answered = app.register.batch(batch)
    assert (answered.cycle, answered.objects_to, answered.rows_open) == ("objection", first, 1)
    assert app.register.answer_counts(batch)["identity"] == {"under_review": 1, "row_ref_unknown": 1}
    review = app.register.reviews.get(batch, 1)
    sight = load_cases(app, batch, [review])[0]
    assert sight.claim["statement"] == "当事人持有户口簿"
    assert (sight.proposal["identity"], sight.proposal["sex"]) == ("consistent", "inconsistent")
    assert sight.people["key"].len() == 1
    decide(app, batch, 1, identity="consistent", sex="consistent")
    (release,) = proposed(app, batch)
    assert (release.settled, release.upheld) == ({"identity": {"consistent": 1}, "sex": {"consistent": 1}}, 1)
    pipeline.issue(app, release.id)
    assert supplement(court, batch, 2)["A1"]["sex_answer"] == "consistent"


@pytest.mark.parametrize(
    ("objects_to", "items", "code"),
    [
        ("court-changchun.none", ("sex",), "objection_batch"),
        ("first", ("birth_date",), "objection_item"),
    ],
)
def test_an_objection_to_what_was_not_answered_is_refused(
    app: App, court: DemoPartner, ask: Ask, objects_to: str, items: tuple[str, ...], code: str
) -> None:
    first = sent(app, court, ask())
    named = first if objects_to == "first" else objects_to
    request = ask(b"row_ref\nR1\n", 1, cycle="objection", items=items, objects_to=named)
    court.drop(court.make_set(request))
    poll(app)
    assert not pipeline.run(app, request.batch)
    assert app.register.batch(request.batch).refusal_code == code


def test_a_batch_in_trouble_does_not_hold_up_the_others(app: App, education: DemoPartner, clean: pl.DataFrame) -> None:
    broken = sent(app, education, school(education, "broken", *rows(clean.head(1))))
    sound = sent(app, education, school(education, "sound", *rows(clean.head(1))))
    original = app.archive.path(app.register.batch(broken).manifest_sha256)
    content = original.read_bytes()
    original.unlink()
    try:
        found = pipeline.propose_all(app)
    finally:
        original.write_bytes(content)
        original.chmod(0o600)
    in_trouble = {trouble.partition(":")[0] for trouble in found.troubles}
    assert broken in in_trouble
    assert sound not in in_trouble
    assert sound in {release.batch for release in found.releases}
