"""Harm to what comes behind the first result: rows decided, released, approved; snapshots built; the old destroyed."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Final

import polars as pl

from exchange.app import App
from exchange.base.errors import ExchangeError
from exchange.base.tables import SOURCES
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import demo_partner
from exchange.demo.province.known_to import on_record
from exchange.demo.province.offences import make_offences
from exchange.demo.province.people import make_people
from exchange.demo.world import PARTNERS, SEED
from exchange.register import State
from tests.campaign.office import OF_COURT, RESULT_FILES, Office

_ITEMS: Final = ("id_number", "name", "criminal_record")
_BASIS: Final = ("hiring_teachers", "未成年人保护法第六十二条")
_EACH: Final = 3
_DUTIES: Final = ("batch", "decide", "propose", "approve", "issue")
_ENDINGS: Final = tuple(
    f"{stem}.{ending}" for stem in ("result", "result-2") for ending in ("xlsx.p7m", "json", "json.p7s")
)


def killed_at(office: Office, duty: str, batch: str) -> str:
    """Once or not killed on this duty, at an audit event of any kind or at any moment; what was done."""
    how = office.chance.choice(["event", "time", "no"])
    if how == "event":
        fatal = office.chance.randint(1, 3000)
        return f"{duty} at event {fatal} ended {office.run(batch, fatal, duty=duty)[0]}"
    if how == "time":
        after = office.chance.uniform(0.05, 1.5)
        return f"{duty} after {after:.2f} s ended {office.run(batch, duty=duty, after=after)[0]}"
    return f"{duty} not killed"


def to_its_end(office: Office, duty: str, batch: str) -> list[str]:
    code, said = office.run(batch, duty=duty)
    return [] if code == 0 else [f"{batch}: {duty} ended with {code}: {said}"]


def released(office: Office) -> tuple[str, list[str]]:
    """A school's set with hits and people without: an officer decides, a leader approves, a second result follows; each
    of these killed on its way, and done again.
    """
    school, batch = (
        demo_partner(office.world, PARTNERS[1]),
        f"{PARTNERS[1].id}.campaign-{office.chance.getrandbits(64):016x}",
    )
    data = _asked(office)
    request = Request(batch, "quarterly", "2026-Q4", *_BASIS, _ITEMS, 2 * _EACH, data)
    school.drop(school.make_set(request))
    how, wrong = [], []
    for duty in _DUTIES:
        how.append(killed_at(office, duty, batch))
        wrong += to_its_end(office, duty, batch)
    return f"released: {', '.join(how)}", wrong + _wrong(office, school, batch)


def objected(office: Office) -> tuple[str, list[str]]:
    """An objection to rows of a set that was answered: an officer decides them anew, what comes of it follows; each of
    these killed on its way, and done again.
    """
    first = office.drop()
    wrong = to_its_end(office, "batch", first)
    sure = office.dropped[first].expected["identity"] == "consistent"
    references = office.dropped[first].rows.filter(sure)["row_ref"].sample(_EACH, seed=office.chance.getrandbits(32))
    batch = f"{office.court.id}.campaign-{office.chance.getrandbits(64):016x}"
    data = "\n".join(["row_ref", *references, ""]).encode()
    request = Request(batch, "objection", "2026-11-23", *OF_COURT, ("sex",), _EACH, data, objects_to=first)
    office.court.drop(office.court.make_set(request))
    how = []
    for duty in _DUTIES:
        how.append(killed_at(office, duty, batch))
        wrong += to_its_end(office, duty, batch)
    with App.open("campaign", office.world.config) as app:
        state = app.register.batch(batch).state
    wrong += [] if state is State.CLOSED else [f"{batch} is {state}"]
    names = sorted(name for name in office.sent() if batch in name)
    stems = (("receipt", ("json", "json.p7s")), *[(each, RESULT_FILES) for each in ("result", "result-2")])
    if names != sorted(f"{batch}.{stem}.{ending}" for stem, endings in stems for ending in endings):
        return f"objected: {', '.join(how)}", [*wrong, f"{batch}: with the partner lie {names}"]
    told = [office.court.result(batch, number).manifest["answers"]["sex"] for number in (1, 2)]
    if told != [{"under_review": _EACH}, {"consistent": _EACH}]:
        wrong.append(f"{batch}: the results say {told}")
    return f"objected: {', '.join(how)}", wrong + office.check(first)


def _asked(office: Office) -> bytes:
    people = pl.concat(make_people(SEED, office.people))
    told = pl.col("id_number").is_in(on_record(make_offences(SEED, 0, people), "minors_protection_62").implode())
    plain = people.filter(pl.col("oddity") == "").select("id_number", "name", hit=told)
    asked = pl.concat(
        [plain.filter(each).sample(_EACH, seed=office.chance.getrandbits(32)) for each in ("hit", ~pl.col("hit"))]
    )
    return asked.drop("hit").with_row_index("row_ref", offset=1).write_csv().encode()


def _wrong(office: Office, school: DemoPartner, batch: str) -> list[str]:
    """What a partner sees who opens both results with ``openssl``, and what the register says of itself."""
    with App.open("campaign", office.world.config) as app:
        state = app.register.batch(batch).state
    wrong = [] if state is State.CLOSED else [f"{batch} is {state}"]
    names = sorted(path.name for path in (school.server.home / "from-office").iterdir() if batch in path.name)
    expected = [f"{batch}.receipt.json", f"{batch}.receipt.json.p7s", *sorted(f"{batch}.{each}" for each in _ENDINGS)]
    if names != sorted(expected):
        return [*wrong, f"{batch}: with the partner lie {names}"]
    try:
        first, second = (school.result(batch, number).manifest["answers"]["criminal_record"] for number in (1, 2))
    except ExchangeError as error:
        return [*wrong, f"{batch}: {error}"]
    if second != {"record_found": _EACH, "no_record": _EACH}:
        wrong.append(f"{batch}: the second result says {second}")
    if {"record_found", "no_record"} & first.keys():
        wrong.append(f"{batch}: the first result says {first}, which nobody had decided")
    return [*wrong, *filter(None, [office.verified()])]


def snapshots_built(office: Office) -> tuple[str, list[str]]:
    """Another version of each source, killed on its way; what is in use is whole, and nothing half-built stays."""
    how = killed_at(office, "snapshots", "")
    wrong = to_its_end(office, "snapshots", "")
    with App.open("campaign", office.world.config) as app:
        wrong += [said for source in SOURCES for said in app.snapshots.verify(source)]
        wrong += [f"{path} was left" for path in app.settings.snapshots.rglob(".building-*")]
    batch = office.drop()
    return how, wrong + to_its_end(office, "batch", batch) + office.check(batch)


def destroyed(office: Office) -> tuple[str, list[str]]:
    """All that is past its time, as of a day on which everything is; killed on its way. What is open goes on."""
    batch = office.drop()
    office.run(batch, office.chance.randrange(500, 3000))
    with App.open("campaign", office.world.config) as app:
        exports = app.settings.exports
    kept = exports.with_name("exports-kept")
    shutil.copytree(exports, kept)  # raw exports go, too; the next harm builds snapshots of them
    how = killed_at(office, "destroy", "")
    wrong = to_its_end(office, "destroy", "")
    shutil.rmtree(exports)
    kept.rename(exports)
    wrong += to_its_end(office, "batch", batch)
    return how, wrong + office.check(batch) + _held(office, [batch])


def _held(office: Office, batches: Sequence[str]) -> list[str]:
    """Kept files that are gone though nobody destroyed them."""
    with App.open("campaign", office.world.config) as app:
        files = [file for batch in batches for file in app.register.files(batch)]
        return [f"{file.name} is gone" for file in files if not app.archive.path(file.sha256).exists()]
