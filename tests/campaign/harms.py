"""What is done to the office, drawn at random; each harm says what it did and gives back what it found wrong.

Rules
- A harm is undone before it ends, so that the next one meets a sound office; what was found meanwhile is told.
- Where a role of the database is refused by the database itself, that is a good end.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from exchange.app import App
from exchange.cli.outcome import HALTED, TRY_AGAIN
from exchange.snapshots import integrity
from tests.campaign.configured import configuration_harmed
from tests.campaign.later import destroyed, objected, released, snapshots_built
from tests.campaign.office import Office
from tests.campaign.tables import forged, kept_rows, put_back, undone

Harm = Callable[[Office], tuple[str, list[str]]]
"""Does it; (what was done, what was wrong)."""

ENDS: Final = (0, HALTED, TRY_AGAIN)
_KILLS: Final = 3


def killed(office: Office) -> tuple[str, list[str]]:
    """Some times killed, at an audit event of any kind or at any moment, then run to the end."""
    batch, how = office.drop(), []
    for _ in range(office.chance.randint(1, _KILLS)):
        if office.chance.random() < 0.5:
            fatal = office.chance.randint(1, 9000)
            how.append(f"event {fatal} ended {office.run(batch, fatal)[0]}")
        else:
            seconds = office.chance.uniform(0.2, 4)
            how.append(f"after {seconds:.2f} s ended {office.run(batch, after=seconds)[0]}")
    code, said = office.run(batch)
    lost = [] if code == 0 else [f"{batch}: not run to its end: {code} {said}"]
    return f"killed: {', '.join(how)}", lost + office.check(batch)


def file_harmed(office: Office) -> tuple[str, list[str]]:
    """A byte flipped, the end cut off, or all gone, of one kept file or snapshot, somewhere on a batch's way."""
    batch = office.drop()
    office.run(batch, office.chance.choice([1, *range(500, 9000, 500)]))  # to somewhere on its way
    place = office.chance.choice(_files(office))
    sound, what = place.read_bytes(), office.chance.choice(["flipped", "cut", "gone"])
    _harm(office, place, sound, what)
    code, said = office.run(batch)
    wrong = [] if code in ENDS else [f"ended with {code}: {said}"]
    if f"{batch}.result.json" in office.sent():
        wrong += office.right(batch)
    # A checkpoint that is gone is missed by nobody: the newest says all that it said, and is written anew each minute.
    unseen = what == "gone" and "checkpoints" in place.parts
    if not unseen and office.verified(deep=True) is None:
        wrong.append(f"{place.name} {what}, and verify --deep found nothing")
    _mend(place, sound)
    code, said = office.run(batch)
    wrong += [] if code == 0 else [f"{batch}: not run to its end: {code} {said}"]
    return f"{place.parent.name}/{place.name} {what}", wrong + office.check(batch)


def _files(office: Office) -> list[Path]:
    """Kept files that the register names, checkpoints, and the snapshots in use."""
    with App.open("campaign", office.world.config) as app:
        kept = [app.archive.path(digest) for digest in app.register.retention.not_destroyed()]
        current = app.settings.snapshots.glob("*/*")
        used = {version for source in current if source.is_dir() for version in source.iterdir() if version.is_file()}
        groups = [sorted(kept), app.checkpoints.files(), sorted(used)]
    found = [path for path in office.chance.choice([each for each in groups if each]) if path.stat().st_size]
    return [path for path in found if not path.name.startswith(".")]


def _harm(office: Office, place: Path, sound: bytes, what: str) -> None:
    place.chmod(0o600)
    if what == "gone":
        place.unlink()
        return
    at = office.chance.randrange(len(sound))
    flipped = bytes([sound[at] ^ 1 << office.chance.randrange(8)])
    place.write_bytes(sound[:at] if what == "cut" else sound[:at] + flipped + sound[at + 1 :])


def _mend(place: Path, sound: bytes) -> None:
    """Put back, as from a backup; a snapshot that was taken out of use is checked and used again."""
    place.write_bytes(sound)
    if integrity.is_out_of_use(place.parent):
        integrity.check(place.parent, place.parent.parent.name)
        integrity.mended(place.parent)


def forged_row(office: Office) -> tuple[str, list[str]]:
    """A row altered, added or taken away by a role of the database, somewhere on a batch's way."""
    batch = office.drop()
    office.run(batch, office.chance.choice([1, *range(500, 9000, 500)]))
    before = office.sent()
    with office.connected() as superuser:
        forgery = forged(office, superuser)
        if forgery is None:
            office.run(batch)
            return "refused by the database", office.check(batch)
        wrong = [] if not forgery.told or office.verified() else [f"{forgery.words}: verify found nothing"]
        code, said = office.run(batch)
        wrong += [] if code in ENDS else [f"ended with {code}: {said}"]
        if f"{batch}.result.json" in office.sent():
            wrong += office.right(batch)
        if forgery.of_batch == batch and (new := office.sent().keys() - before.keys()):
            wrong.append(f"{forgery.words}: {sorted(new)} were sent all the same")
        undone(superuser, forgery)
    code, said = office.run(batch)
    wrong += [] if code == 0 else [f"{batch}: not run to its end: {code} {said}"]
    return forgery.words, wrong + office.check(batch)


def rolled_back(office: Office) -> tuple[str, list[str]]:
    """The database put back to before a batch that was answered: nothing may leave until a person has looked."""
    first = office.drop()
    with office.connected() as superuser:
        kept_rows(superuser, "before")
        code, said = office.run(first)
        wrong = [] if code == 0 else [f"{first}: {code} {said}"]
        kept_rows(superuser, "after")
        put_back(superuser, "before")
        second, sent = office.drop(), office.sent()
        code, said = office.run(second)
        if code != HALTED:
            wrong.append(f"the run behind a rollback ended with {code}: {said}")
        if new := office.sent().keys() - sent.keys():
            wrong.append(f"behind a rollback {sorted(new)} were sent")
        if office.verified() is None:
            wrong.append("verify found nothing of a rollback")
        put_back(superuser, "after")
    code, said = office.run(second)
    wrong += [] if code == 0 else [f"{second}: not run to its end: {code} {said}"]
    return "rolled back", wrong + office.check(first) + office.check(second)


HARMS: Final[dict[str, Harm]] = {
    "killed": killed,
    "file harmed": file_harmed,
    "row forged": forged_row,
    "rolled back": rolled_back,
    "configuration": configuration_harmed,
    "released": released,
    "objected": objected,
    "snapshots": snapshots_built,
    "destroyed": destroyed,
}
