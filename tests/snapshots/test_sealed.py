"""Sealed juvenile records (Criminal Procedure Law art. 286): the boundary, day by day and month by month, and that
nothing of a sealed record is in the tables or the counts.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exchange.base.tables import OFFENCE_KINDS, export_columns
from exchange.matching.id_numbers import check_character
from exchange.matching.identity import Population
from exchange.matching.lookup import SortedTable
from exchange.snapshots import population
from exchange.snapshots.offences import build_tables
from exchange.snapshots.source_texts import read_day, read_mark
from tests.examples import one_in

AS_OF = date(2026, 11, 23)
OFFENCES = export_columns("offences")
KINDS = [*OFFENCE_KINDS, "劳动教养"]


def number(born: str, sequence: int = 101) -> str:
    """The number of an invented person."""
    key = int(f"220102{born.replace('-', '')}{sequence}")
    return str(pl.select(pl.lit(str(key)) + check_character(pl.lit(key))).item())


def record(born: str, kind: str, offence_date: str, months: str = "", **other: str) -> dict[str, str]:
    sound = {"id_number": number(born), "name": "某", "kind": kind, "offence_date": offence_date}
    decided = {"decided_on": "2020-05-01", "effective_on": "2020-06-01" if kind == "judgment" else ""}
    return sound | decided | {"sentence_months": months} | other


def kept(*records: dict[str, str], register: Population | None = None) -> list[str]:
    """The kinds that the snapshot keeps of these records."""
    tables, _ = build_tables(pl.LazyFrame(list(records), schema=dict.fromkeys(OFFENCES, pl.String)), AS_OF, register)
    return list(tables["records"].column("kind").to_pylist())


@pytest.mark.parametrize(
    ("born", "offence_date", "months", "sealed"),
    [
        ("2000-06-15", "2014-06-20", "1", True),
        ("2000-06-15", "2018-06-14", "60", True),  # seventeen
        ("2000-06-15", "2018-06-15", "60", True),  # the eighteenth birthday itself: eighteen from the day after
        ("2000-06-15", "2018-06-16", "60", False),
        ("2000-06-15", "2018-06-15", "61", False),  # more than five years
        ("2000-06-15", "2018-06-15", "9999", False),  # life
        ("2000-06-15", "2018-06-15", "0", True),
        ("2000-06-15", "2018-06-15", "", True),  # a lighter penalty than imprisonment, or exempt from punishment
        ("2000-06-15", "2018-06-16", "", False),
        ("2000-02-29", "2018-02-28", "60", True),  # no 29 February in 2018: its last day stands for the birthday
        ("2000-02-29", "2018-03-01", "60", False),
        ("2002-02-28", "2020-02-28", "60", True),
        ("2002-02-28", "2020-02-29", "60", False),
        ("2002-03-01", "2020-03-01", "60", True),
        ("2000-06-15", "2018-06-15", "五年", False),  # cannot be read: not taken for a light one
        ("2000-06-15", "2018-06-15", "-1", False),
    ],
)
def test_judgments(born: str, offence_date: str, months: str, sealed: bool) -> None:
    assert kept(record(born, "judgment", offence_date, months)) == ([] if sealed else ["judgment"])


@pytest.mark.parametrize(
    ("kind", "kept_as"), [("administrative_penalty", "administrative_penalty"), ("drug", "drug"), ("其他", "unclear")]
)
def test_whatever_else_a_juvenile_did_is_sealed_too(kind: str, kept_as: str) -> None:
    assert kept(record("2000-06-15", kind, "2018-06-15")) == []
    assert kept(record("2000-06-15", kind, "2018-06-16")) == [kept_as]


def test_a_long_sentence_in_a_record_of_an_unknown_kind_may_be_a_judgment() -> None:
    assert kept(record("2000-06-15", "其他", "2017-01-01", "61")) == ["unclear"]
    assert kept(record("2000-06-15", "administrative_penalty", "2017-01-01", "61")) == []


@pytest.mark.parametrize("effective_on", ["", "2026-11-24", "2026-11-23", "不详"])
def test_a_juvenile_judgment_is_sealed_whether_effective_or_not(effective_on: str) -> None:
    assert kept(record("2009-06-15", "judgment", "2025-06-15", "12", effective_on=effective_on)) == []


def test_each_record_is_judged_by_itself() -> None:
    young = record("2000-06-15", "judgment", "2016-01-01", "36")
    grown = record("2000-06-15", "judgment", "2021-01-01", "6")
    grave = record("2000-06-15", "judgment", "2015-01-01", "120")
    assert kept(young, grown) == ["judgment"]
    assert kept(young, young, young) == []
    assert kept(young, grown, grave) == ["judgment", "judgment"]


@pytest.mark.parametrize(
    ("decided_on", "effective_on", "sealed"),
    [("2018-06-15", "", True), ("2018-06-16", "", False), ("2019-01-01", "2018-06-15", True), ("", "", False)],
)
def test_an_offence_without_its_day_happened_before_the_decision(
    decided_on: str, effective_on: str, sealed: bool
) -> None:
    undated = record("2000-06-15", "drug", "", decided_on=decided_on, effective_on=effective_on)
    assert kept(undated) == ([] if sealed else ["drug"])


def test_of_whom_is_not_eighteen_yet_everything_is_sealed() -> None:
    assert kept(record("2008-11-23", "drug", "", decided_on="")) == []
    assert kept(record("2008-11-22", "drug", "", decided_on="")) == ["drug"]


@pytest.fixture(scope="module")
def register() -> Population:
    """Somebody born in 2000, whose former number said 1999; another, born in 1999, whose former number said 2000."""
    sound = dict.fromkeys(export_columns("population"), "") | {"status": "normal", "name": "某"}
    people = [
        {"id_number": number("2000-06-15"), "birth_date": "2000-06-15", "former_id_number": number("1999-06-15", 203)},
        {"id_number": number("1999-06-15"), "birth_date": "1999-06-15", "former_id_number": number("2000-06-15", 203)},
        {"id_number": number("1998-06-15"), "birth_date": "1999-06-15"},
    ]
    tables, _ = population.build_tables(pl.LazyFrame([sound | person for person in people]), AS_OF)
    return Population(SortedTable(tables["people"]), SortedTable(tables["former"]))


@pytest.mark.parametrize(
    ("written", "by_the_number_alone", "by_the_register"),
    [
        (number("1999-06-15", 203), "2017-06-15", "2018-06-15"),  # a former number with too early a date
        (number("2000-06-15", 203), "2018-06-15", "2018-06-15"),  # a former number with too late a date
        (number("1999-06-15"), "2017-06-15", "2018-06-15"),  # the same person by the present number: no difference
        (number("1998-06-15"), "2016-06-15", "2017-06-15"),  # the register's date is later than its number's
        (number("1997-06-15"), "2015-06-15", "2015-06-15"),  # a number that the register does not know
        ("220102990615101", "2017-06-15", "2018-06-15"),  # fifteen digits
    ],
)
def test_the_latest_birth_date_on_record_counts(
    register: Population, written: str, by_the_number_alone: str, by_the_register: str
) -> None:
    for last_day, known in ((by_the_number_alone, None), (by_the_register, register)):
        day_after = str(date.fromisoformat(last_day) + timedelta(days=1))
        at_last = record("2000-06-15", "drug", last_day, id_number=written)
        assert kept(at_last, register=known) == []
        assert kept(at_last | {"offence_date": day_after}, register=known) == ["drug"]


def registered(people: list[dict[str, str]]) -> Population:
    sound = dict.fromkeys(export_columns("population"), "") | {"status": "normal"}
    tables, _ = population.build_tables(pl.LazyFrame([sound | person for person in people]), AS_OF)
    return Population(SortedTable(tables["people"]), SortedTable(tables["former"]))


@pytest.mark.parametrize("kind", ["judgment", "drug"])
@pytest.mark.parametrize(
    ("born", "offence_date", "sealed"),
    [
        ("2000-06-15", "2012-06-14", False),
        ("2000-06-15", "2012-06-15", False),  # twelve from the day after: the date is wrong, or the record another's
        ("2000-06-15", "2012-06-16", True),
        ("2000-06-15", "2000-06-14", False),
        ("2000-02-29", "2012-02-29", False),
        ("2000-02-29", "2012-03-01", True),
    ],
)
def test_nobody_is_a_juvenile_by_a_date_that_makes_them_a_child(
    born: str, offence_date: str, sealed: bool, kind: str
) -> None:
    """By the number alone, by the register, and without the day of the offence by that of the decision."""
    known = registered([{"id_number": number(born), "birth_date": born, "name": "某"}])
    days = {"decided_on": offence_date, "effective_on": offence_date}
    for offence in (offence_date, ""):
        for register in (None, known):
            assert kept(record(born, kind, offence, "6", **days), register=register) == ([] if sealed else [kind])


GROWN = {"id_number": number("1980-01-01"), "birth_date": "1980-01-01", "name": "某", "former_id_number": ""}


@pytest.mark.parametrize(
    ("wrong", "offence_date", "sealed"),
    [
        ({"birth_date": "1990-01-01"}, "2002-01-01", False),
        ({"birth_date": "1990-01-01"}, "2002-01-02", True),  # in doubt, which the office resolves for the person
        ({"birth_date": "1990-01-01"}, "2008-01-01", True),
        ({"birth_date": "1990-01-01"}, "2008-01-02", False),
        ({"former_id_number": number("1990-01-01", 203)}, "2002-01-01", False),
        ({"former_id_number": number("1990-01-01", 203)}, "2002-01-02", True),
        ({"former_id_number": number("1984-01-01", 203), "birth_date": "1990-01-01"}, "2002-01-01", True),
        ({"former_id_number": number("1984-01-01", 203), "birth_date": "1990-01-01"}, "2002-01-02", True),
        ({"id_number": number("1990-01-01")}, "2002-01-01", False),
    ],
)
def test_a_persons_own_wrong_date_counts_from_twelve_on(wrong: dict[str, str], offence_date: str, sealed: bool) -> None:
    """Wherever it stands; of several the latest that is left."""
    days = {"decided_on": "2009-01-01", "effective_on": "2009-02-01", "id_number": (GROWN | wrong)["id_number"]}
    found = kept(record("1980-01-01", "judgment", offence_date, "6", **days), register=registered([GROWN | wrong]))
    assert found == ([] if sealed else ["judgment"])


@pytest.mark.parametrize(("name", "born"), [("乙", "2003-03-03"), ("乙", ""), ("", "2003-03-03"), ("", "")])
@pytest.mark.parametrize(("offence_date", "sealed"), [("1998-01-01", True), ("1998-01-02", False)])
def test_whose_record_it_is_no_impossible_date_tells(name: str, born: str, offence_date: str, sealed: bool) -> None:
    """The younger bearer of the number cannot have done it, whatever the record says; it is the older one's."""
    younger = {"id_number": number("2003-03-03"), "birth_date": "2003-03-03", "name": "乙"}
    both = registered([GROWN, younger | {"former_id_number": GROWN["id_number"]}])
    days = {"decided_on": "1999-01-01", "effective_on": "1999-02-01"}
    given = record("1980-01-01", "judgment", offence_date, "6", **days, name=name, birth_date=born)
    assert kept(given, register=both) == ([] if sealed else ["judgment"])


def test_who_was_too_young_by_every_date_makes_nobody_elses_record_vanish() -> None:
    """Registered with a wrong date, alone and beside a juvenile who bore the number: the record stays."""
    wrong = {"id_number": number("1990-01-01"), "birth_date": "1990-01-01", "name": "某"}
    juvenile = {"id_number": number("1985-01-01"), "birth_date": "1985-01-01", "name": "乙"}
    other = juvenile | {"former_id_number": wrong["id_number"]}
    days = {"decided_on": "2001-01-01", "effective_on": "2001-02-01", "id_number": wrong["id_number"]}
    given = record("1990-01-01", "judgment", "2000-05-01", "6", **days)
    for people in ([wrong], [wrong, other]):
        assert kept(given, register=registered(people)) == ["judgment"]


@one_in(3)
@given(
    st.dates(date(1990, 1, 2), date(2026, 11, 23)),
    st.dates(date(1980, 1, 1), date(2026, 11, 23)),
    st.sampled_from(["birth_date", "former_id_number"]),
)
def test_no_date_that_makes_a_child_of_the_offender_seals(day: date, born: date, column: str) -> None:
    """Whatever wrong date is on record of somebody grown, a conviction at an age from eighteen on stays, unless by that
    date they were between twelve and eighteen.
    """
    wrong = {column: str(born) if column == "birth_date" else number(str(born), 203)}
    grown = GROWN | {"id_number": number("1970-01-01"), "birth_date": "1970-01-01"}
    given = record("1970-01-01", "judgment", str(day), "6", decided_on=str(AS_OF), effective_on=str(AS_OF))
    age = day.year - born.year - ((day.month, day.day) <= (born.month, born.day))
    sealed = 12 <= age < 18
    if (born.month, born.day) != (2, 29):
        assert (kept(given, register=registered([grown | wrong])) == []) == sealed


days = st.dates(date(2014, 1, 1), date(2026, 11, 23)).map(str)
unsure = st.sampled_from(["", "不详"])
others = st.builds(
    record,
    st.sampled_from(["1980-01-01", "2000-06-15", "2004-02-29"]),
    st.sampled_from(KINDS),
    days | unsure,
    st.sampled_from(["", "6", "60", "61", "9999"]) | unsure,
    decided_on=days | unsure,
    effective_on=days | unsure,
)
sealed_ones = st.builds(
    record,
    st.sampled_from(["2000-06-15", "2002-02-28"]),
    st.sampled_from(KINDS),
    st.dates(date(2014, 6, 16), date(2018, 6, 15)).map(str),
    st.sampled_from(["", "0", "6", "60"]),
    decided_on=days | unsure,
    effective_on=days | unsure,
)


@one_in(2)
@given(st.lists(others, max_size=6), st.lists(sealed_ones, min_size=1, max_size=6), st.randoms())
def test_with_and_without_sealed_records_tables_and_counts_are_the_same(
    others: list[dict[str, str]], sealed: list[dict[str, str]], random: object
) -> None:
    both = [*others, *sealed]
    random.shuffle(both)  # type: ignore[attr-defined]
    schema = dict.fromkeys(OFFENCES, pl.String)
    with_them, counted_with = build_tables(pl.LazyFrame(both, schema=schema), AS_OF)
    without, counted_without = build_tables(pl.LazyFrame(others, schema=schema), AS_OF)
    assert with_them["records"].equals(without["records"])
    assert counted_with == counted_without


SHARED = [number("1970-01-01"), number("2002-01-01"), number("2000-06-15", 203)]
bearers = st.fixed_dictionaries(
    {
        "id_number": st.sampled_from([number("1970-01-01"), number("2002-01-01"), number("2003-03-03")]),
        "former_id_number": st.sampled_from(["", *SHARED]),
        "birth_date": st.sampled_from(["1970-01-01", "1979-01-01", "2002-01-01", "2003-03-03"]),
        "name": st.sampled_from(["甲", "乙"]),
    }
)
named = st.builds(
    record,
    st.just("2000-01-01"),
    st.sampled_from(["judgment", "drug"]),
    st.sampled_from(["1995-05-01", "2017-05-01", "2021-05-01"]),
    st.just("36"),
    id_number=st.sampled_from(SHARED),
    name=st.sampled_from(["甲", "乙", "丙", ""]),
    birth_date=st.sampled_from(["", "1970-01-01", "2002-01-01"]),
)


@one_in(3)
@given(st.lists(bearers, min_size=1, max_size=3), bearers, st.lists(named, min_size=1, max_size=4))
def test_somebody_unrelated_makes_no_record_vanish(
    people: list[dict[str, str]], other: dict[str, str], records: list[dict[str, str]]
) -> None:
    """Whatever numbers this person bears or bore, of whatever name, unless the record names this person by name and
    birth date.
    """
    before_and_after = registered(people), registered([*people, other])
    for each in records:
        borne = {person[number] for person in people for number in ("id_number", "former_id_number")}
        if each["id_number"] not in borne or (each["name"] == other["name"] and each["birth_date"]):
            continue  # the number was nobody's before, or the record names this person: it is theirs
        before, after = (kept(each, register=known) for known in before_and_after)
        assert len(after) >= len(before)


DAYS = ["{}-{}-{}", "{}/{}/{}", "{}.{}.{}", "{}{}{}", "{}年{}月{}日"]
BEHIND = ["", " 00:00:00", " 13:05", "T08:30:00", "T08:30:00.000"]
MONTHS = ["{}", "{}.0", "{}.00", " {} ", "{}个月", "{}月"]


def full_width(text: str) -> str:
    return "".join(chr(ord(letter) + 0xFEE0) if letter.isascii() and letter.isdigit() else letter for letter in text)


@one_in(3)
@given(
    st.dates(date(2014, 6, 16), date(2026, 11, 23)),
    st.sampled_from(["6", "60", "61", "9999"]),
    st.sampled_from(DAYS),
    st.sampled_from(BEHIND),
    st.sampled_from(MONTHS),
    st.booleans(),
)
def test_no_spelling_sets_a_seal_or_lifts_one(
    day: date, months: str, form: str, behind: str, sentence: str, wide: bool
) -> None:
    written = form.format(f"{day:%Y}", f"{day:%m}", f"{day:%d}") + behind
    texts = [full_width(text) if wide else text for text in (written, sentence.format(months))]
    decided = {"decided_on": "2026-11-23", "effective_on": "2026-11-23"}
    plain, spelled = (
        record("2000-06-15", "judgment", offence, term, **decided) for offence, term in ((str(day), months), texts)
    )
    assert kept(spelled) == kept(plain)


UNSEEN = ["\u200b", "\ufeff", "\u00ad", "\ufe0f"]


@pytest.mark.parametrize("mark", ["1", "1.0", "１", "是", "TRUE", "已封存", *[f"1{unseen}" for unseen in UNSEEN]])
def test_a_mark_seals_however_it_is_written(mark: str) -> None:
    assert kept(record("2000-06-15", "judgment", "2020-01-01", "6") | {"sealed": mark}) == []


@pytest.mark.parametrize("mark", ["", "0", "0.0", "０", "否", "FALSE", *[f"0{unseen}" for unseen in UNSEEN]])
@pytest.mark.parametrize("unseen", UNSEEN)
def test_characters_that_show_nothing_leave_nothing_unread(mark: str, unseen: str) -> None:
    grown = record(
        "2000-06-15", f"judgment{unseen}", f"2020-01-01{unseen}", f"6{unseen}", effective_on=f"2020-03-01{unseen}"
    )
    grown |= {"sealed": mark}
    assert kept(grown) == ["judgment"]
    assert kept(grown | {"offence_date": f"2018-06-15 00:00:00{unseen}"}) == []


@pytest.mark.parametrize("day", ["21", "0021-06-15", "1021-06-15", "2118-06-15", "1999-12-31", "42000", "36.5", "?"])
@pytest.mark.parametrize("kind", ["judgment", "drug"])
def test_a_day_that_cannot_be_seals_nothing(day: str, kind: str) -> None:
    assert kept(record("2000-06-15", kind, day, "6")) == [kind]


@one_in(3)
@given(st.text(alphabet="0123456789-/. 年月日TZ:６eE+是封", max_size=12), st.sampled_from(["offence_date", "sealed"]))
@example("19000101", "offence_date")
@example("20120615", "offence_date")
@example("20120616", "offence_date")
def test_what_is_written_anyhow_seals_no_grown_persons_record(text: str, column: str) -> None:
    """Unless it is a day on which one can have been liable and not grown, or a mark, in plain words."""
    grown = record("2000-06-15", "judgment", "2020-01-01", "6") | {column: text}
    young = read_day(pl.lit(text)).is_between(date(2012, 6, 16), date(2018, 6, 15))
    seals = {"offence_date": young, "sealed": read_mark(pl.lit(text))}
    assert (kept(grown) == []) == bool(pl.select(seals[column].fill_null(value=False)).item())
