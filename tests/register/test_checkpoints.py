"""A ledger that was rolled back or rewritten is found by what left the house; then nothing is sent."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.base.errors import Halt
from exchange.register import Register, checkpoints
from exchange.register.checkpoints import Kept
from exchange.register.leaving import Attested, attested
from exchange.register.models import Base, LedgerRow
from exchange.register.signing import parse_note

from .conftest import AT, Database

DAY = date(2026, 11, 23)
Rows = dict[str, list[dict[str, object]]]


def claim(register: Register, *numbers: int) -> None:
    for number in numbers:
        register.claim(f"bank.b{number}", "bank", "a" * 64, [], AT)


def backup(register: Register) -> Rows:
    with Session(register.engine) as session:
        tables = {name: session.execute(select(table)) for name, table in Base.metadata.tables.items()}
        return {name: [dict(row) for row in found.mappings()] for name, found in tables.items()}


def restore(database: Database, register: Register, rows: Rows) -> None:
    database.empty()
    with Session(register.engine) as session, session.begin():
        for name, table in Base.metadata.tables.items():
            if rows[name]:
                session.execute(table.insert(), rows[name])


def rolled_back(database: Database, register: Register, kept: Kept) -> None:
    """Three lines, then what a backup of the second brings back."""
    claim(register, 1)
    keep(register, kept, DAY.replace(day=1))
    claim(register, 2)
    rows = backup(register)
    claim(register, 3)
    keep(register, kept, DAY.replace(day=3))
    restore(database, register, rows)


def rewritten(database: Database, register: Register, kept: Kept) -> None:
    """By somebody who has the key, too."""
    claim(register, 1)
    keep(register, kept, DAY.replace(day=1))
    rows = backup(register)
    claim(register, 2, 3)
    keep(register, kept, DAY.replace(day=3))
    restore(database, register, rows)
    claim(register, 4, 5, 6)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "checkpoints")


def keep(register: Register, kept: Kept, day: date = DAY) -> None:
    text = register.checkpoint()
    assert text is not None
    kept.keep(text, day)


def test_who_kept_an_older_one_late_does_not_take_the_newer_ones_place(register: Register, kept: Kept) -> None:
    """What was rolled back to between the two would not be found."""
    claim(register, 1)
    older = register.checkpoint()
    claim(register, 2)
    keep(register, kept)
    (path,), newer = kept.files(), register.checkpoint()
    kept.keep(f"{older}", DAY)
    assert path.read_text("utf-8") == newer
    path.write_bytes(b"cut off")
    keep(register, kept)
    assert path.read_text("utf-8") == newer


def test_a_ledger_that_goes_on_agrees_with_all_its_checkpoints(register: Register, kept: Kept) -> None:
    assert register.checkpoint() is None, "of no lines there is none"
    register.check_newest(kept)
    for number in range(1, 9):
        claim(register, number)
        keep(register, kept, DAY.replace(day=number))
        register.check_newest(kept)
    assert register.verify(kept.files())[0] == 8
    assert [parse_note(path.read_text())[0].size for path in kept.files()] == list(range(1, 9))
    assert register.resume(kept, "nothing") == 0


@pytest.mark.parametrize(
    ("harm", "words"), [(rolled_back, "was rolled back"), (rewritten, "was rewritten")], ids=["back", "rewritten"]
)
def test_what_came_back_or_was_rewritten_is_found(
    database: Database, register: Register, kept: Kept, harm: Callable[..., None], words: str
) -> None:
    harm(database, register, kept)
    assert register.verify()[0] >= 2, "in itself it is sound"
    with pytest.raises(Halt, match=words):
        register.check_newest(kept)
    with pytest.raises(Halt, match=words):
        register.verify(kept.files())
    assert register.resume(kept, "restored after a fire") == 1
    register.check_newest(kept)
    assert [path.name for path in kept.files()] == ["2026-11-01"], "the first day's agrees"
    with Session(register.engine) as session:
        last = session.scalars(select(LedgerRow).order_by(LedgerRow.seq.desc()).limit(1)).one()
    assert json.loads(last.facts)["resumed"] == "restored after a fire"
    assert "parted.2026-11-03" in last.facts
    assert len(list(kept.folder.iterdir())) == 2, "the other one stays under another name"


def test_a_line_that_another_writes_meanwhile_is_no_rollback(
    register: Register, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch is read as of one moment; a checkpoint that is kept behind it knows a line of later."""
    claim(register, 1)
    keep(register, kept, DAY)

    def and_then_another(session: Session, batch_id: str, rows: object) -> Attested:
        found = attested(session, batch_id)
        claim(register, 2)
        keep(register, kept, DAY)
        return found

    monkeypatch.setattr("exchange.register.queries.attested", and_then_another)
    assert register.attested("bank.b1", kept).batch.id == "bank.b1"


@pytest.mark.parametrize("days", [1, 5])
def test_a_clock_that_once_ran_ahead_hides_nothing(
    database: Database, register: Register, kept: Kept, days: int
) -> None:
    claim(register, 1)
    for ahead in range(days):
        keep(register, kept, DAY.replace(year=DAY.year + 4 + ahead))
    rows = backup(register)
    claim(register, 2)
    keep(register, kept, DAY)
    restore(database, register, rows)
    with pytest.raises(Halt, match="was rolled back"):
        register.check_newest(kept)


def test_a_clock_that_was_put_back_hides_nothing(
    database: Database, register: Register, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By two months, behind a file for each day since."""
    claim(register, 1)
    for ago in range(60):
        keep(register, kept, DAY - timedelta(days=ago))
    rows, back = backup(register), AT - timedelta(days=58)
    monkeypatch.setattr(checkpoints, "now", lambda: back)
    claim(register, 2)
    keep(register, kept, back.date())
    register.check_newest(kept)
    restore(database, register, rows)
    with pytest.raises(Halt, match="was rolled back"):
        register.check_newest(kept)


def test_what_an_authority_stamped_is_not_replaced(register: Register, kept: Kept) -> None:
    claim(register, 1)
    for day in (21, 22):
        keep(register, kept, DAY.replace(day=day))
        checkpoints.stamp_of(kept.folder / str(DAY.replace(day=day))).touch()
    stamped = [path.read_bytes() for path in kept.files()]
    claim(register, 2)
    keep(register, kept, DAY.replace(day=21))
    assert [path.read_bytes() for path in kept.files()][:2] == stamped
    assert [path.name for path in kept.files()] == ["2026-11-21", "2026-11-22", "2026-11-23"]
    assert register.verify(kept.files())[0] == 2


def test_any_byte_of_a_kept_checkpoint_that_is_another_is_found_and_a_person_goes_on(
    database: Database, register: Register, kept: Kept
) -> None:
    claim(register, 1)
    keep(register, kept)
    [path] = kept.files()
    sound, same, said = path.read_bytes(), 0, list[str]()
    before = checkpoints.read(path, database.key)
    for place, byte in enumerate(sound):
        path.write_bytes(sound[:place] + bytes([byte ^ 1 << place % 8]) + sound[place + 1 :])
        try:
            register.check_newest(kept)
            same += 1
            assert checkpoints.read(path, database.key) == before
        except Halt as error:
            said.append(str(error))
    assert same < 5, "a space in place of a line's end, say"
    assert all(path.name in each for each in said)
    for content in (b"", b"\xff" + sound, sound.replace(b"\n1\n", b"\n2\n")):
        path.write_bytes(content)
        assert register.resume(kept, "the disk was bad") == 1
        assert kept.files() == []
        register.check_newest(kept)
        path.write_bytes(content)
        keep(register, kept)
        register.check_newest(kept)


def test_where_it_parts_is_said(database: Database, register: Register, kept: Kept) -> None:
    claim(register, 1)
    keep(register, kept, DAY.replace(day=1))
    at_one = backup(register)
    claim(register, 2, 3, 4)
    keep(register, kept, DAY.replace(day=4))
    restore(database, register, at_one)
    claim(register, 5, 6, 7, 8)
    with pytest.raises(Halt, match=r"parts from .*2026-11-04 between lines 2 and 4"):
        register.verify(kept.files())


def test_receipts_and_notes_are_read_and_others_refused(register: Register, kept: Kept, tmp_path: Path) -> None:
    claim(register, 1)
    text = register.checkpoint() or ""
    (tmp_path / "receipt.json").write_text(json.dumps({"format": "exchange-receipt/1", "register": text}))
    (tmp_path / "note").write_text(text)
    assert register.verify([tmp_path / "receipt.json", tmp_path / "note"])[0] == 1
    checkpoint = parse_note(text)[0]
    for content, words in (
        ("{}", "holds no checkpoint"),
        ("[", "holds no checkpoint"),
        (json.dumps({"register": 7}), "holds no checkpoint"),
        (text.replace(checkpoint.last_hash, "0" * 64), "not signed by this office"),
        (text.replace("\n1\n", "\n2\n"), "not signed by this office"),
    ):
        (tmp_path / "other").write_text(content)
        with pytest.raises(Halt, match=words):
            register.verify([tmp_path / "other"])
    with pytest.raises(Halt, match="No such file"):
        register.verify([tmp_path / "none"])


@pytest.mark.parametrize("seed", range(30))
def test_the_latest_are_the_last_files_and_the_named_ones(tmp_path: Path, seed: int) -> None:
    draw, kept, first = Random(seed), Kept(tmp_path), date(2026, 11, 23)  # noqa: S311
    days = [str(first + timedelta(days=number)) for number in range(21) if draw.random() < 0.5]
    for name in days:
        if draw.random() < 0.15:
            (tmp_path / name).mkdir()
        else:
            for ending in ("", *draw.sample([".tsr", ".parted-1", ""], 1)):
                (tmp_path / f"{name}{ending}").touch()
    besides = set(draw.choices([*days, str(first)], k=2))
    files, most = kept.files(), draw.randint(1, 6)
    assert kept.latest(most, besides) == [path for path in files[:-most] if path.name in besides] + files[-most:]


def test_each_set_looks_at_no_more_of_them_as_years_go_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file comes with every day, and a stamp beside it; before anything is sent some are looked at."""
    looks, look = list[Path](), Path.stat

    def looked_at(path: Path, **how: Any) -> os.stat_result:
        looks.append(path)
        return look(path, **how)

    monkeypatch.setattr(Path, "stat", looked_at)
    costs = []
    for days in (60, 1900):
        for number in range(days):
            for ending in ("", ".tsr"):
                (tmp_path / f"{DAY - timedelta(days=number)}{ending}").touch()
        looks.clear()
        assert len(Kept(tmp_path).latest(40, {str(DAY)})) == 40
        costs.append(len(looks))
    assert costs[1] <= costs[0] <= 42
