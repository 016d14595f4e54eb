"""The claims: the answers that were planted are those of the real matching, over snapshots from the real build."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date

import polars as pl
import pytest

from exchange.base import tables
from exchange.base.legal_bases import legal_bases
from exchange.base.tables import ANSWERS, NOTES, SOURCES, TEST_NOTE
from exchange.demo.play import to_csv
from exchange.demo.province.claims import FAULTS, NAME_WRITINGS, WRITINGS, Claims, make_claims
from exchange.demo.province.exports import write_exports
from exchange.demo.province.known_to import BASES, on_record
from exchange.demo.province.offences import make_offences
from exchange.demo.province.people import make_people
from exchange.demo.province.right_answers import UNREADABLE
from exchange.matching.decide import decide
from exchange.matching.identity import Population
from exchange.matching.sources import Sources
from exchange.snapshots.build import build
from exchange.snapshots.versions import Snapshots, Version
from exchange.validate.encoding import to_utf8
from exchange.validate.table import read_table

SEED, PEOPLE = 11, 60_000
ITEMS = tuple(code for code, item in tables.ITEMS.items() if not item.forms)
AS_OF = date(2026, 11, 1)


@pytest.fixture(scope="module")
def province() -> pl.DataFrame:
    return next(make_people(SEED, PEOPLE))


@pytest.fixture(scope="module")
def offenders(province: pl.DataFrame) -> pl.Series:
    return on_record(make_offences(SEED, 0, province))


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Version]:
    folder = tmp_path_factory.mktemp("province")
    write_exports(folder / "exports", SEED, PEOPLE, AS_OF)
    snapshots = Snapshots(folder / "snapshots")
    return {source: build(snapshots, source, folder / "exports" / source / str(AS_OF), AS_OF) for source in SOURCES}


def matched(
    claims: Claims,
    versions: dict[str, Version],
    *,
    approved: bool,
    encoding: str,
    items: Sequence[str] = ITEMS,
    bases: Sequence[str] = ("case_handling_286",),
) -> pl.DataFrame:
    """The matching's answers to the claims' file, as ``row_ref``, ``identity``, ``note`` and the items."""
    content = to_utf8(to_csv(claims.rows).decode().encode(encoding))
    table = read_table(content, items, claims.rows.height)
    people = versions["population"]
    sources = {source: versions[source].open("records") for source in SOURCES if source != "population"}
    population = Population(*[people.open(table) for table in ("people", "former", "mothers", "births")])
    rests = [legal_bases()[code] for code in bases]
    answers = decide(table, items, Sources(population, sources, approved=approved, bases=rests, asked_on=AS_OF), AS_OF)
    return answers.select("row_ref", "identity", "note", *[pl.col(f"answer.{item}").alias(item) for item in items])


@pytest.mark.parametrize(("approved", "encoding"), [(True, "utf-8-sig"), (False, "gb18030")])
def test_the_matching_gives_the_planted_answers(
    province: pl.DataFrame, offenders: pl.Series, versions: dict[str, Version], approved: bool, encoding: str
) -> None:
    claims = make_claims(province, offenders, ITEMS, 20_000, seed=5, approved=approved)
    found = matched(claims, versions, approved=approved, encoding=encoding)
    for column in claims.expected.columns:
        wrong = claims.expected.filter(claims.expected[column].ne_missing(found[column]))
        assert wrong.height == 0, column


def test_all_of_the_people_are_answered_as_planted(
    province: pl.DataFrame, offenders: pl.Series, versions: dict[str, Version]
) -> None:
    """Clean claims about many: sealed records, several records, records under other numbers."""
    claims = make_claims(province, offenders, ITEMS, PEOPLE, seed=6, approved=True, dirt=False)
    found = matched(claims, versions, approved=True, encoding="utf-8")
    assert found.equals(claims.expected)
    assert set(found["identity"]) == {"consistent", "under_review"}
    assert set(found["criminal_record"]) == {"no_record", "under_review"}


@pytest.mark.parametrize("bases", [*[(basis,) for basis in BASES], ("teachers_14", "minors_protection_62")])
def test_each_basis_lets_know_what_its_article_names(
    province: pl.DataFrame, versions: dict[str, Version], bases: tuple[str, ...]
) -> None:
    records = make_offences(SEED, 0, province)
    people = province.filter(pl.col("id_number").is_in(records["id_number"].implode()))
    claims = make_claims(people, on_record(records, *bases), ("criminal_record",), 3_000, 8, approved=True, dirt=False)
    found = matched(claims, versions, approved=True, encoding="utf-8", items=("criminal_record",), bases=bases)
    assert found.equals(claims.expected)
    assert set(found["criminal_record"]) == {"no_record", "under_review"}


def test_codes_are_those_of_the_tables_and_all_of_them_are_met(province: pl.DataFrame, offenders: pl.Series) -> None:
    expected = make_claims(province, offenders, ITEMS, 20_000, seed=5).expected
    codes = set().union(*(set(expected[column]) for column in ("identity", *ITEMS)))
    never = {
        "ask_exit_entry",
        "basis_ended",
        "no_record",
        "record_found",
        "source_not_ready",
        "row_fields",
        "row_merged",
        "row_ref_damaged",
        "row_ref_unknown",
    }
    never |= {"registered", "not_registered", "not_applicable"}
    assert codes == set(ANSWERS) - never
    assert set(expected["note"].str.split(";").explode()) == {"", *NOTES} - {"registration_cancelled", TEST_NOTE}
    assert "id_repaired;id_superseded" in set(expected["note"])
    assert "id_repaired;id_from_15" in set(expected["note"])


def test_rows_are_a_request(province: pl.DataFrame, offenders: pl.Series) -> None:
    claims = make_claims(province, offenders, ("criminal_record", "birth_date"), 2_000, seed=1)
    assert claims.rows.columns == ["row_ref", "id_number", "name", "birth_date"]
    assert claims.expected.columns == ["row_ref", "identity", "note", "criminal_record", "birth_date"]
    assert set(claims.rows.dtypes) == set(claims.expected.dtypes) == {pl.String}
    assert claims.rows["row_ref"].equals(claims.expected["row_ref"])
    assert claims.rows["row_ref"].n_unique() == 2_000
    assert claims.rows["row_ref"].str.contains("^[=+]").any()
    assert pl.read_csv(io.BytesIO(to_csv(claims.rows)), infer_schema=False).height == 2_000


def test_same_seed_same_claims(province: pl.DataFrame, offenders: pl.Series) -> None:
    first, again, other = (make_claims(province, offenders, ITEMS, 500, seed=seed) for seed in (1, 1, 2))
    assert first.rows.equals(again.rows)
    assert first.expected.equals(again.expected)
    assert not first.rows.equals(other.rows)


def test_without_dirt_everything_is_plain(province: pl.DataFrame, offenders: pl.Series) -> None:
    claims = make_claims(province, offenders, ITEMS, 5_000, seed=1, dirt=False)
    assert claims.rows["id_number"].str.contains("^[0-9]{17}[0-9X]$").all()
    assert set(claims.expected["note"]) == {""}
    assert set(claims.rows["sex"]) == {"男", "女"}


def test_tables_of_dirt_hold_together() -> None:
    assert set(UNREADABLE) <= set(FAULTS)
    assert all(sum(shares.values()) < 1 for shares in (FAULTS, WRITINGS, NAME_WRITINGS))
