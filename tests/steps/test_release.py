"""Rows that had to wait: officers decide, a leader approves, and a supplementary result follows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.register import ReleaseState, ReleaseSummary, ReviewFilter, ReviewState, Role, State
from exchange.steps import process
from exchange.steps.release import CHANGED, UNNAMED, answers_sha256, propose

from .releases import approve, decide, proposed, rows, school, sent, supplement

Ask = Callable[..., Request]


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


def test_a_batch_whose_data_the_disk_does_not_give_back_holds_up_no_others_proposals(
    app: App, education: DemoPartner, clean: pl.DataFrame
) -> None:
    batches = [sent(app, education, school(education, name, *rows(clean.head(3)))) for name in ("d-bad", "d-good")]
    kept = app.archive.path(app.register.file(batches[0], Role.DATA).sha256)
    aside = kept.rename(kept.with_suffix(".aside"))
    kept.symlink_to("/proc/self/mem")  # reading is EIO
    try:
        found = pipeline.propose_all(app)
    finally:
        aside.replace(kept)
    assert {release.batch for release in found.releases} & {*batches} == {batches[1]}
    (told,) = found.troubles
    assert batches[0] in told
    assert f"the office's own disk: {kept}" in told


def test_of_two_tries_at_once_the_rows_that_wait_are_those_of_the_one_that_stands(
    app: App, education: DemoPartner, clean: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resident worker and the batch's run, between which the share of spot checks moved: a row that only the later
    one drew would be neither with an officer nor wait for the leader, and stay behind for good.
    """
    request = school(education, "twice", *rows(clean.head(3)))
    education.drop(education.make_set(request))
    poll(app)
    assert pipeline.receive(app, request.batch)

    def drawing(one_in: int) -> App:
        policy = app.settings.policy.model_copy(update={"spot_check_one_in": one_in})
        return App(app.settings.model_copy(update={"policy": policy}), app.register, app.now)

    real = process._for_register

    def meanwhile(waiting: process._Waiting) -> object:
        monkeypatch.setattr(process, "_for_register", real)
        pipeline.process(drawing(10**9), request.batch)
        return real(waiting)

    monkeypatch.setattr(process, "_for_register", meanwhile)
    pipeline.process(drawing(1), request.batch)
    pipeline.deliver(app, request.batch)
    assert app.register.reviews.find(ReviewFilter(batch=request.batch)) == []
    (release,) = proposed(app, request.batch)
    assert release.rows == (1, 2, 3)


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
        batch, [1], ReleaseSummary({"criminal_record": {"no_record": 1}}), needs_approval=True
    )
    assert older is not None
    with pytest.raises(Halt, match="not what was shown"):
        approve(leader, older)
    (anew,) = proposed(app, batch)
    assert (anew.number, anew.rows) == (2, (1,))
    withdrawn = app.register.releases.get(batch, 1)
    assert (withdrawn.state, withdrawn.reason) == (ReleaseState.REOPENED, UNNAMED)


def test_what_an_earlier_version_proposed_of_an_altered_batch_is_named_and_holds_up_nobody(
    world: World, app: App, education: DemoPartner, clean: pl.DataFrame
) -> None:
    batches = [sent(app, education, school(education, name, *rows(clean.head(1)))) for name in ("altered", "kept")]
    for batch in batches:
        outcome = ReleaseSummary({"criminal_record": {"no_record": 1}})
        assert app.register.releases.propose(batch, [1], outcome, needs_approval=True) is not None
    with world.postgres.connected("postgres", "exchange") as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE batch SET handler = handler || '.' WHERE id = %s", [batches[0]])
        try:
            found = pipeline.propose_all(app)
        finally:
            connection.execute("UPDATE batch SET handler = left(handler, -1) WHERE id = %s", [batches[0]])
    assert {trouble.partition(":")[0] for trouble in found.troubles} == {batches[0]}
    assert all("is not what the ledger says" in trouble for trouble in found.troubles)
    assert {each.batch: each.number for each in found.releases if each.batch in batches} == dict(
        zip(batches, (1, 2), strict=True)
    )
    assert [each.number for each in proposed(app, batches[0])] == [2]


def test_nothing_is_proposed_of_a_batch_that_is_not_with_its_partner(
    app: App, education: DemoPartner, clean: pl.DataFrame
) -> None:
    request = school(education, "prepared", *rows(clean.head(1)))
    education.drop(education.make_set(request))
    poll(app)
    for step, state in ((pipeline.receive, State.ACCEPTED), (pipeline.process, State.PREPARED)):
        step(app, request.batch)
        assert app.register.batch(request.batch).state is state
        assert propose(app, request.batch) is None
        assert proposed(app, request.batch) == []
    assert app.register.batch(request.batch).rows_open == 1
    pipeline.deliver(app, request.batch)
    assert len(proposed(app, request.batch)) == 1
    assert propose(app, request.batch) is None, "it is proposed already"


@pytest.mark.parametrize(("named", "leave"), [([1, 2, 3, 4], (1, 4)), ([2, 3, 4], (4,)), ([2, 3], None), ([], None)])
def test_no_row_leaves_that_is_open_still_or_was_answered_at_first(
    app: App,
    education: DemoPartner,
    people: pl.DataFrame,
    clean: pl.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
    named: list[int],
    leave: tuple[int, ...] | None,
) -> None:
    """Whatever is named as able to leave: here also a row that an officer has, and one whose name disagrees."""
    doubtful = people.filter(pl.col("oddity") == "doubtful").head(1)
    another = clean[1:2].with_columns(name=pl.lit("不是此人"))
    asked = rows(clean.head(1), doubtful, another, clean[2:3])
    batch = sent(app, education, school(education, f"named{len(named)}", *asked))
    monkeypatch.setattr("exchange.steps.release.leaving", lambda _: named)
    release = propose(app, batch)
    assert (release and release.rows) == leave
    assert release is None or release.counts["criminal_record"] == {"no_record": len(release.rows)}


def test_a_batch_of_which_nothing_can_leave_is_not_looked_into(
    app: App, education: DemoPartner, people: pl.DataFrame, clean: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubtful = people.filter(pl.col("oddity") == "doubtful").head(1)
    asked = {"with-officers": doubtful, "for-the-leader": clean.head(1)}
    waits, ready = [sent(app, education, school(education, name, *rows(each))) for name, each in asked.items()]
    looked_into = list[str]()
    monkeypatch.setattr("exchange.steps.release.propose", lambda _, batch: looked_into.append(batch))
    pipeline.propose_all(app)
    assert ready in looked_into
    assert waits not in looked_into


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
