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
from tests.campaign import clocks, databases, disks, kills, tracer, wires
from tests.campaign.configured import configuration_harmed
from tests.campaign.office import Office
from tests.campaign.races import raced
from tests.campaign.tables import forged, kept_rows, put_back, undone
from tests.campaign.troubles import Trouble, troubled
from tests.campaign.works import WORKS

Harm = Callable[[Office], tuple[str, list[str]]]
"""Does it; (what was done, what was wrong)."""

OfWork = Callable[[Office, str], tuple[str, list[str]]]
"""The same to the work of this name."""

ENDS: Final = (0, HALTED, TRY_AGAIN)


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
    wrong += office.finish(batch)
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
    wrong += office.finish(batch)
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
    wrong += office.finish(second)
    return "rolled back", wrong + office.check(first) + office.check(second)


def _of_each_work(harm: OfWork, leaving: tuple[str, ...] = ()) -> dict[str, Harm]:
    return {name: _of(harm, name) for name in WORKS if name not in leaving}


def _of(harm: OfWork, name: str) -> Harm:
    return lambda office: harm(office, name)


def _anywhere(drawn: Callable[[Office], Trouble], leaving: tuple[str, ...] = ()) -> Harm:
    """This trouble around any work, more often than not around a batch's way."""

    def harm(office: Office) -> tuple[str, list[str]]:
        names = [name for name in WORKS if name not in leaving]
        return troubled(office, office.chance.choice(["answered", *names]), drawn)

    return harm


_OF_WIRE: Final = ("built", "destroyed", "watched", "migrated", "released")  # and the school's, which has no gate
"""What has nothing to do with the court's server."""

_OF_DISK: Final = ("migrated",)

PARTS: Final[dict[str, dict[str, Harm]]] = {
    "killed": {"whole way": kills.whole_way, **_of_each_work(kills.killed)},
    "raced": _of_each_work(raced),
    "wire": {
        each.__name__.replace("_", " "): _anywhere(each, _OF_WIRE)
        for each in (wires.in_the_middle, wires.lying_server, wires.refusing_server)
    },
    "database": {
        each.__name__.replace("_", " "): _anywhere(each)
        for each in (databases.killed, databases.stopped, databases.read_only, databases.at_its_limit, databases.full)
    },
    "disk": {
        **{
            each.__name__.replace("_", " "): _anywhere(each, _OF_DISK)
            for each in (disks.full, disks.read_only, disks.vanished)
        },
        "partner full": _anywhere(disks.partner_full, _OF_WIRE),
    },
    "clock": _of_each_work(clocks.stepped, ("migrated",)),
    "forged": {
        "file": file_harmed,
        "row": forged_row,
        "rolled back": rolled_back,
        "configuration": configuration_harmed,
    },
}
"""Part → name → harm. A campaign may be of some parts alone."""

SHARES: Final = {"killed": 6, "raced": 4, "wire": 3, "database": 2, "disk": 2, "clock": 1, "forged": 1}
"""Part → how often it is drawn, beside the others."""

HARMS: Final = {f"{part}: {name}": harm for part, harms in PARTS.items() for name, harm in harms.items()}


def lacking(*, with_disks: bool) -> dict[str, str]:
    """Harm that this machine does not let be done → why."""
    left = {} if tracer.is_there() else {"killed: before system calls": tracer.MISSING}
    if clocks.library() is None:
        left |= {name: clocks.MISSING for name in HARMS if name.startswith("clock:")}
    if not with_disks:
        left |= {name: disks.MISSING for name in HARMS if name.startswith("disk:") or name == "database: full"}
    return left
