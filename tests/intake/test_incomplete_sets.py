"""Thousands of sets that are not complete: what each minute's look asks the register and the server does not grow with
them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from exchange import pipeline
from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.intake import remembered
from exchange.intake.collect import poll
from exchange.wire.sftp import TimeLimit
from exchange.wire.transport import Folder

PATIENCE = timedelta(minutes=31)
LACKING = {
    "manifest_unfinished": {".request.json": b"{", ".request.json.p7s": b""},
    "signature_missing": {".request.json": b"{}"},
    "manifest_missing": {".csv": b"row_ref\n"},
}


@pytest.mark.parametrize("code", LACKING)
def test_incomplete_sets_cost_a_sweep_no_question_each(
    app: App, court: DemoPartner, later: Callable[[timedelta], App], code: str
) -> None:
    """While they are new, while they wait, and once the partner was told of each."""
    asked, offices = list[str](), [app, app, later(PATIENCE), later(PATIENCE + timedelta(minutes=1))]
    event.listen(app.register.engine, "before_cursor_execute", lambda *said: asked.append(said[2]))
    counts = dict[int, list[int]]()
    for number in (1, 12):
        for count in range(number):
            for ending, content in LACKING[code].items():
                (court.server.home / "to-office" / f"set-{number}-{count}{ending}").write_bytes(content)
        counts[number] = list[int]()
        for office in offices:
            asked.clear()
            assert poll(office).troubles == []
            counts[number].append(len(asked))
        mine = [left for left in app.register.unfinished.all(court.id) if left.stem.startswith(f"set-{number}-")]
        assert [(left.reason, left.noticed_at is not None) for left in mine] == [(code, True)] * number
        assert court.id in app.register.unfinished.partners()
    few, many = counts[1], counts[12]
    assert (many[1], many[3]) == (few[1], few[3])
    assert many[0] <= few[0] + 1, "the first sweep of all reads the office's own, too, and knows of none before"


Later = Callable[[timedelta], App]
SETS = 12
A_MINUTE = timedelta(minutes=1)
READ_FOR = {**{code: LACKING[code] for code in ("manifest_unfinished",)}, "signature_unfinished": {
    ".request.json": b"{}", ".request.json.p7s": b"\x30\x82"
}}  # fmt: skip


def put(court: DemoPartner, files: dict[str, bytes], stems: list[str], at: float | None = None) -> list[Path]:
    """Lays files of these endings for each stem; ``at``: the time that they bear."""
    paths = []
    for stem in stems:
        for ending, content in files.items():
            path = court.server.home / "to-office" / f"{stem}{ending}"
            path.write_bytes(content)
            if at is not None:
                os.utime(path, (at, at))
            paths.append(path)
    return paths


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the small files that are read from now on."""
    names, own = list[str](), Folder.read_small

    def noted(folder: Folder, name: str, limit: int) -> bytes:
        names.append(name)
        return own(folder, name, limit)

    monkeypatch.setattr(Folder, "read_small", noted)
    return names


@pytest.mark.parametrize("code", READ_FOR)
def test_a_set_in_which_nothing_moves_is_read_by_turns(
    app: App, court: DemoPartner, later: Later, read: list[str], monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(remembered, "READ_AGAIN", 2)
    stems = [f"left-{number}" for number in range(SETS)]
    put(court, READ_FOR[code], stems)
    counts = []
    for minute in range(60):
        read.clear()
        assert poll(later(minute * A_MINUTE)).troubles == []
        counts.append({name.partition(".")[0] for name in read})
    assert counts[0] == counts[1] == {*stems}, "while the second in which it was written may not be over"
    assert {len(each) for each in counts[3:]} == {2}
    assert set[str]().union(*counts[3:]) == {*stems}, "but none is left out for good"
    told = {left.stem: (left.reason, left.noticed_at is not None) for left in app.register.unfinished.all(court.id)}
    assert told == dict.fromkeys(stems, (code, True))


@pytest.mark.parametrize("listed", ["with another size", "with another time", "as before"])
def test_what_is_completed_among_many_is_claimed(
    app: App,
    court: DemoPartner,
    later: Later,
    ask: Callable[..., Request],
    monkeypatch: pytest.MonkeyPatch,
    listed: str,
) -> None:
    """At the next look, where anything of the listing moved; at its turn, where a server's listing hides it."""
    monkeypatch.setattr(remembered, "READ_AGAIN", 2)
    request = ask()
    files, then = court.make_set(request), time.time() - 3600
    manifest = next(name for name in files if name.endswith(".request.json"))
    half = files[manifest][: 10 if "size" in listed else None].replace(b"{", b"[", 1)
    court.drop(files | {manifest: half})
    place = court.server.home / "to-office" / manifest
    os.utime(place, (then, then))
    put(court, LACKING["manifest_unfinished"], [f"left-{number}" for number in range(SETS)], then)
    for minute in range(5):
        poll(later(minute * A_MINUTE))
    assert request.batch not in app.register.waiting()
    place.write_bytes(files[manifest])
    if "time" not in listed:
        os.utime(place, (then, then))
    looks = next(look for look in range(60) if request.batch in poll(later((5 + look) * A_MINUTE)).waiting)
    assert looks == 0 or "as before" in listed


def test_what_is_not_read_in_time_is_the_next_looks_and_what_was_read_is_kept(
    app: App, court: DemoPartner, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server so slow, or a folder so full, that no look gets through: the next one begins where that one ended."""
    monkeypatch.setattr(remembered, "READ_AGAIN", 2)
    stems = [f"left-{number:02}" for number in range(SETS)]
    put(court, READ_FOR["manifest_unfinished"], stems)
    own, reads = Folder.read_small, [0]

    def slow(folder: Folder, name: str, limit: int) -> bytes:
        reads[0] += 1
        return own(folder, name, limit)

    monkeypatch.setattr(Folder, "read_small", slow)
    monkeypatch.setattr(TimeLimit, "is_nearly_over", property(lambda _: reads[0] >= 6))
    known = []
    for minute in (0, 3, 6, 9, 40):
        reads[0] = 0
        assert poll(later(minute * A_MINUTE)).troubles == []
        known.append({left.stem for left in app.register.unfinished.all(court.id)})
    assert known == [{*stems[:count]} for count in (3, 6, 9, 12, 12)]
    assert all(left.noticed_at is not None for left in app.register.unfinished.all(court.id)[:3])


def test_what_is_new_is_read_before_what_was_read_a_moment_ago(
    app: App,
    court: DemoPartner,
    later: Later,
    ask: Callable[..., Request],
    read: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However little time there is, and however far behind it stands in the listing."""
    put(court, READ_FOR["manifest_unfinished"], [f"a-left-{number}" for number in range(SETS)])
    assert poll(app).troubles == []
    request = ask()
    court.drop(court.make_set(request))
    read.clear()
    monkeypatch.setattr(TimeLimit, "is_nearly_over", property(lambda _: len(read) >= 2))
    assert request.batch in poll(later(A_MINUTE)).waiting
    assert len(app.register.unfinished.all(court.id)) == SETS


def test_a_set_that_was_first_seen_by_a_clock_that_ran_ahead_is_told_of_by_the_right_one(
    app: App, court: DemoPartner, later: Later
) -> None:
    """Nothing was told of it until the clock's day came; and it is told once, whatever the clock does then."""
    put(court, LACKING["manifest_missing"], ["ahead"])
    notice = court.server.home / "from-office" / "ahead.notice.json"
    for days in (365, 0):
        assert poll(later(timedelta(days=days))).troubles == []
    assert not notice.exists()
    poll(later(PATIENCE))
    assert court.verified(notice.name)["code"] == "manifest_missing"
    notice.unlink()
    for days in (0, 365, 0, 1):
        poll(later(timedelta(days=days)))
    assert not notice.exists()


def _broken(court: DemoPartner, request: Request) -> dict[str, bytes]:
    return {
        name: content[:-3] if name.endswith(".json") else content for name, content in court.make_set(request).items()
    }


def _without_data(court: DemoPartner, request: Request) -> dict[str, bytes]:
    return {name: content for name, content in court.make_set(request).items() if ".csv" not in name}


def _of_other_data(court: DemoPartner, request: Request) -> dict[str, bytes]:
    other = court.make_set(replace(request, data=request.data + b"\n"))
    return {name: content + b"\n" if ".csv" in name else content for name, content in other.items()}


@pytest.mark.parametrize("lacking", [_broken, _without_data, _of_other_data])
@pytest.mark.parametrize("noticed", [False, True])
def test_a_set_that_is_put_right_may_lie_there_with_its_old_signature(
    app: App,
    court: DemoPartner,
    later: Later,
    ask: Callable[..., Request],
    lacking: Callable[[DemoPartner, Request], dict[str, bytes]],
    noticed: bool,
) -> None:
    """For a moment, or, where only the manifest was put up anew, for good: then the partner is told of it. It was
    refused, as by a signature that does not hold, and the batch id was used up.
    """
    request, folder = ask(), court.server.home / "to-office"
    for name, content in lacking(court, request).items():
        (folder / name).write_bytes(content)
        os.utime(folder / name, (time.time() - 3600,) * 2)
    assert request.batch not in poll(app).waiting
    right = court.make_set(request)
    for name, content in right.items():
        if not name.endswith(".p7s"):
            (folder / name).write_bytes(content)
    for office in (app, later(PATIENCE)) if noticed else (app,):
        polled = poll(office)
        assert (polled.troubles, request.batch in polled.waiting) == ([], False)
    notice = f"{request.batch}.notice.json"
    assert (notice in court.answers()) == noticed
    if noticed:
        assert court.verified(notice)["code"] == "signature_older"
    court.drop({name: content for name, content in right.items() if name.endswith(".p7s")})
    assert request.batch in poll(app).waiting
    assert pipeline.run(app, request.batch)


def test_an_older_signature_that_holds_is_taken(app: App, court: DemoPartner, ask: Callable[..., Request]) -> None:
    """The order of upload does not matter."""
    request = ask()
    court.drop(court.make_set(request))
    for path in (court.server.home / "to-office").glob("*.p7s"):
        os.utime(path, (time.time() - 3600,) * 2)
    assert request.batch in poll(app).waiting
