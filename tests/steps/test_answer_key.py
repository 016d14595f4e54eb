"""The answer key (``answer_key.py``) led through snapshots, agreements, requests, officers, leader and releases: every
person of its province is asked about under every legal basis, and what is found and what leaves is compared with what
the article lets know.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.legal_bases import legal_bases
from exchange.base.tables import OFFENCE_SOURCES, export_columns
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.matching.decide import decide
from exchange.matching.identity import Population
from exchange.matching.offence_records import counted_records, grounds_of
from exchange.matching.sources import Sources
from exchange.register import Decision, ReviewFilter
from exchange.review.case import load_cases
from exchange.review.decisions import complete
from tests.snapshots.test_sealed import number
from tests.steps.answer_key import ARTICLES, CLEAN, HIT, LOOK
from tests.steps.answer_key_people import Person, province
from tests.steps.releases import RECORDS, approve, proposed, supplement
from tests.steps.twins import Twin, twin

TWO = ("盗窃罪 judged", "受贿罪 judged")
WRITTEN = {
    "kind": "kind", "charge": "charge", "offence": "offence_date", "decided": "decided_on", "effective": "effective_on",
    "sentence": "sentence_months", "rights": "political_rights", "intent": "intent", "mark": "sealed",
}  # fmt: skip


def numbers(place: int, person: Person) -> tuple[str, str]:
    """The present number, and one of before."""
    return number(str(person.born), 100 + place), number("1974-01-01", 100 + place)


def registered(people: list[Person]) -> pl.DataFrame:
    """The population's export: everybody, and whoever shares a number."""
    sound = dict.fromkeys(export_columns("population"), "") | {
        "sex": "1", "ethnicity": "01", "registered_division": "220102", "relation": "02", "status": "normal",
    }  # fmt: skip
    rows = []
    for place, person in enumerate(people):
        now, before = numbers(place, person)
        row = sound | {"id_number": now, "name": name(place), "birth_date": str(person.born)}
        rows.append(row | {"household_number": f"H{place}", "former_id_number": before if 1 in person.numbers else ""})
        if person.shared:
            young = {"id_number": number("2002-02-02", 999), "name": "年幼者", "birth_date": "2002-02-02"}
            rows.append(sound | young | {"household_number": "H", "former_id_number": now})
    return pl.DataFrame(rows)


def name(place: int) -> str:
    return "张" + chr(0x4E00 + place)


def exported(people: list[Person]) -> pl.DataFrame:
    """The offence exports: each record in a source of its own, as the sources write it."""
    rows = []
    for place, person in enumerate(people):
        for nth, record in enumerate(person.records):
            borne = numbers(place, person)[person.numbers[nth] if person.numbers else 0]
            row = dict.fromkeys(export_columns("offences"), "") | {WRITTEN[key]: value for key, value in record.items()}
            source = OFFENCE_SOURCES[(place + nth) % len(OFFENCE_SOURCES)]
            rows.append(row | {"id_number": borne, "name": name(place), "sources": [source]})
    return pl.DataFrame(rows)


@pytest.fixture(scope="module")
def day(world: World) -> date:
    with App.open("test", world.config) as app:
        return office_day(app.now())


@pytest.fixture(scope="module")
def people(day: date) -> list[Person]:
    return province(day)


@pytest.fixture(scope="module")
def office(world: World, people: list[Person], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    with App.open("test", world.config) as app:
        at = app.now()
    place = tmp_path_factory.mktemp("answer_key")
    with twin(world, "answer_key", place, exported(people), at, registered(people)) as opened:
        yield opened


def agreed(app: App, partner: DemoPartner, basis: str, place: Path) -> App:
    """The office with another agreement with this partner: of the kind that may rest on this basis."""
    kind, _, _ = ARTICLES[basis]
    folder = app.settings.agreements
    for certificate in folder.glob(f"{partner.id}.*.pem"):
        (place / certificate.name).write_bytes(certificate.read_bytes())
    lines = (folder / f"{partner.id}.toml").read_text(encoding="utf-8").split("\n\n")
    head = "\n".join(f'kind = "{kind}"' if line.startswith("kind") else line for line in lines[0].splitlines())
    rest = [part for part in lines[1:] if not part.strip().startswith(("[[purposes", "[[expected"))]
    purpose = f"""[[purposes]]
code = "vetting"
zh = "审查"
legal_bases = ["{basis}"]
items = ["id_number", "name", "kinship", "criminal_record"]"""
    (place / f"{partner.id}.toml").write_text("\n\n".join([head, purpose, *rest]), encoding="utf-8")
    return App(app.settings.model_copy(update={"agreements": place}), app.register, app.now)


def found_by(app: App, basis: str, day: date, people: list[Person]) -> dict[int, str]:
    """Place → what the product's matching finds of who has a record that counts or may, over the built snapshots."""
    open_ = {source: app.snapshots.current(source) for source in ("population", *OFFENCE_SOURCES)}
    tables = {source: version.open for source, version in open_.items() if version is not None}
    population = Population(*[tables["population"](table) for table in ("people", "former")])
    records = {source: tables[source]("records") for source in OFFENCE_SOURCES}
    sources = Sources(population, records, bases=(legal_bases()[basis],), asked_on=day)
    data = pl.DataFrame({"id_number": [numbers(place, each)[0] for place, each in enumerate(people)]})
    asked = data.with_columns(pl.Series("name", [name(place) for place in range(len(people))]), row_fault=None)
    persons = decide(asked.with_row_index("row_ref"), RECORDS, sources, day)["person"].to_numpy()
    whose = counted_records(persons, sources).join(grounds_of(persons, sources), on=["source", "row"])
    found: dict[int, str] = {}
    for place, counts in whose.select("person", "counts").sort("counts", descending=True).iter_rows():
        found[place] = HIT if counts == "counts" else LOOK
    return found


@pytest.mark.parametrize("basis", ARTICLES)
def test_what_each_article_lets_know(basis: str, office: Twin, people: list[Person], day: date) -> None:
    found = found_by(office.app, basis, day, people)
    expected = {place: each.expected(basis, day) for place, each in enumerate(people)}
    assert {each.what: found.get(place, CLEAN) for place, each in enumerate(people)} == {
        each.what: expected[place] for place, each in enumerate(people)
    }


def test_the_key_has_every_basis() -> None:
    assert set(ARTICLES) == set(legal_bases())


@pytest.mark.parametrize("basis", ["security_guards_17", "preschool_44"])
def test_the_whole_way(
    basis: str,
    office: Twin,
    people: list[Person],
    day: date,
    education: DemoPartner,
    tmp_path: Path,
) -> None:
    """Partner, agreement, queue, officer, leader, release: nobody is told before, and then the article's answers."""
    app, leader = (
        agreed(App(office.app.settings, register, office.app.now), education, basis, tmp_path)
        for register in (office.app.register, office.leader)
    )
    places = [place for place, each in enumerate(people) if place % 18 == 0 or each.detentions or each.shared]
    rows = "".join(f"R{place},{numbers(place, people[place])[0]},{name(place)}\n" for place in places)
    batch = f"{education.id}.key-{basis.replace('_', '-')}"
    about = ("quarterly", "2026-Q4", "vetting", ARTICLES[basis][1])
    data = f"row_ref,id_number,name\n{rows}".encode()
    education.drop(education.make_set(Request(batch, *about, RECORDS, len(places), data)))
    poll(app)
    assert pipeline.run(app, batch)
    told = education.result(batch).manifest["answers"]["criminal_record"]
    assert told == {"awaiting_approval": len(places)}, "nothing tells before the release"
    expected = {row: people[place].expected(basis, day) for row, place in enumerate(places, 1)}
    reviews = app.register.reviews.find(ReviewFilter(batch=batch))
    assert {review.row for review in reviews} == {row for row, verdict in expected.items() if verdict != CLEAN}
    assert proposed(app, batch) == [], "records leave together"
    for case in load_cases(app, batch, reviews):
        row = case.review.row
        said = "record_found" if expected[row] == HIT else "no_record"
        decision = Decision(row, case.review.version, complete(case.open, {"criminal_record": said}), "case_file")
        app.register.reviews.decide(batch, [decision])
    (release,) = proposed(app, batch)
    approve(leader, release)
    pipeline.issue(app, release.id)
    answers = {reference: list(row.values())[-1] for reference, row in supplement(education, batch, 2).items()}
    written = {HIT: "有记录", LOOK: "未发现记录", CLEAN: "未发现记录"}
    assert answers == {f"R{place}": written[expected[row]] for row, place in enumerate(places, 1)}


def test_of_a_relative_no_officer_sees_records(
    office: Twin, people: list[Person], education: DemoPartner, tmp_path: Path
) -> None:
    """Kinship asks about two people, records of offence about one of them."""
    app = agreed(office.app, education, "judges_13", tmp_path)
    one, other = (next(place for place, each in enumerate(people) if each.what == what) for what in TWO)
    claimed = [numbers(one, people[one])[0], name(one), numbers(other, people[other])[0], name(other), "20"]
    head = "row_ref,id_number,name,relative_id_number,relative_name,relation"
    items, about = (*RECORDS, "kinship"), ("quarterly", "2026-Q4", "vetting", ARTICLES["judges_13"][1])
    batch = f"{education.id}.key-relative"
    data = f"{head}\nR1,{','.join(claimed)}\n".encode()
    education.drop(education.make_set(Request(batch, *about, items, 1, data)))
    poll(app)
    assert pipeline.run(app, batch)
    (case,) = load_cases(app, batch, app.register.reviews.find(ReviewFilter(batch=batch)))
    assert case.people.height == len(TWO)
    assert case.records["charge"].to_list() == ["盗窃罪"]
