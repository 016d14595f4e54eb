"""What a source has written so that nobody can read it decides nothing: whichever field of whichever record is lost, an
answer stays what it was or goes to an officer. It is never another definite one.

Not so where what is lost says by whom a record is to be found (a number), and where an empty field has a meaning of its
own (no former name).
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Final, NamedTuple

import polars as pl
import pytest

from exchange.base.tables import ITEMS as CLAIMED
from exchange.base.tables import SourceTable, export_columns
from exchange.matching.decide import decide
from exchange.matching.id_numbers import check_character
from exchange.matching.identity import Population
from exchange.matching.items import RULES
from exchange.matching.items.event import SOURCE
from exchange.matching.lookup import SortedTable
from exchange.matching.sources import Sources
from exchange.snapshots import events, population

DAY: Final = date(2026, 11, 23)
ITEMS: Final = tuple(item for item in RULES if item != "criminal_record")

_ALL: Final = {"birthplace": "220104", "native_place": "220102", "registered_division": "220102"}
PEOPLE: Final = (
    {"id_number": "220102199003071227", "name": "王芳", "former_name": "王小芳", "sex": "2", "birth_date": "1990-03-07",
     "ethnicity": "01", "registered_address": "人民大街1-2号", "household_number": "1", "relation": "02",
     "status": "normal", "information_level": "10"},
    {"id_number": "220102195003071219", "name": "王国", "sex": "1", "birth_date": "1950-03-07", "ethnicity": "02",
     "registered_address": "红旗街3号", "household_number": "1", "relation": "51", "status": "cancelled",
     "cancelled_reason": "death", "cancelled_on": "2019-04-05"},
)  # fmt: skip
EVENTS: Final = (
    {"event": "migration_in", "happened_on": "2015-05-05", "from_division": "220104", "to_division": "220102"},
    {"event": "address_change", "happened_on": "2016-05-05", "from_address": "长江路1号", "to_address": "东街1-2号"},
    {"event": "item_correction", "happened_on": "2017-05-05", "item": "name"},
)
RIGHT: Final = {
    "former_name": "王小芳", "sex": "女", "birth_date": "1990-03-07", "ethnicity": "汉", "birthplace": "220104",
    "native_place": "220102", "registered_address": "220102人民大街1-2号", "migration_kind": "迁入",
    "migration_date": "2015-05", "migration_from": "220104", "migration_to": "220102",
    "address_change_date": "2016", "address_change_from": "长江路1号", "address_change_to": "东街1-2号",
    "correction_item": "姓名", "correction_date": "2017", "cancellation_reason": "死亡",
    "cancellation_date": "2019-04-05", "relation": "父亲",
}  # fmt: skip
WRONG: Final = {
    "former_name": "无", "sex": "9", "birth_date": "1990-03-08", "ethnicity": "03", "birthplace": "110101",
    "native_place": "110101", "registered_address": "110101", "migration_kind": "迁出", "migration_date": "2014",
    "migration_from": "110101", "migration_to": "110101", "address_change_date": "2011", "address_change_from": "东街",
    "address_change_to": "西街", "correction_item": "性别", "correction_date": "2001", "cancellation_reason": "参军",
    "cancellation_date": "2018-01-01", "relation": "妻",
}  # fmt: skip
Record = dict[str, str]


class Family(NamedTuple):
    """Two people and what happened to the first; ``lost``: what of it, empty where nothing is."""

    people: list[Record]
    events: list[Record]
    lost: tuple[str, str, str]


def numbered(digits: str) -> str:
    return digits + str(pl.select(check_character(pl.lit(int(digits)))).item())


def family(place: int) -> Family:
    """The same two people and events, under numbers and in a household of their own."""
    own = [f"22010219900307{2 * place:03}", f"22010219500307{2 * place + 1:03}"]
    names = {"household_number": f"{place + 1}"}
    people = [_ALL | person | names | {"id_number": numbered(key)} for person, key in zip(PEOPLE, own, strict=True)]
    return Family(people, [event | {"id_number": numbered(own[0])} for event in EVENTS], ("", "", ""))


def lost(text: str) -> set[str]:
    return {"", "?", "\ufffd", f"{text[:-1]}?", f"{text[:-1]}\ufffd"}


def wrong_check(number: str) -> str:
    return number[:-1] + ("X" if number[-1] != "X" else "0")


@cache
def families() -> tuple[Family, ...]:
    """The first as it should be; in each other one field is lost, or one number wrong in its check character."""
    made = [family(0)]
    for kind in ("people", "events"):
        for place, record in enumerate(getattr(made[0], kind)):
            for column, text in record.items():
                texts = {wrong_check(text)} if column == "id_number" else lost(text)
                for written in sorted(texts - ({""} if column == "former_name" else set())):
                    one = family(len(made))
                    changed = getattr(one, kind)[place]
                    changed[column] = wrong_check(changed[column]) if column == "id_number" else written
                    made.append(one._replace(lost=(kind, column, written)))
    return tuple(made)


def exported(rows: list[Record], table: SourceTable) -> pl.LazyFrame:
    names = list(export_columns(table))
    return pl.LazyFrame([dict.fromkeys(names, "") | row for row in rows], schema=dict.fromkeys(names, pl.String))


def asked(place: int) -> list[Record]:
    """Each of the two with right and with wrong claims; the other one is the relative."""
    one, other = ({key: person[key] for key in ("id_number", "name")} for person in family(place).people)
    return [
        who | claims | {f"relative_{key}": value for key, value in relative.items()}
        for claims in (RIGHT, WRONG)
        for who, relative in ((one, other), (other, one))
    ]


@cache
def answers() -> list[pl.DataFrame]:
    """The answers to each family's rows."""
    people, _ = population.build_tables(
        exported([one for each in families() for one in each.people], "population"), DAY
    )
    happened, _ = events.build_tables(exported([one for each in families() for one in each.events], "events"), DAY)
    register = Population(SortedTable(people["people"]), SortedTable(people["former"]))
    rows = pl.DataFrame([row for place in range(len(families())) for row in asked(place)])
    rows = rows.with_columns(row_ref=pl.lit("R"), row_fault=pl.lit(None, pl.String))
    sources = Sources(register, {SOURCE: SortedTable(happened["records"])})
    found = decide(rows, ["id_number", "name", *ITEMS], sources, DAY).select("identity", pl.col("^answer\\..*$"))
    return [found[begin : begin + 4] for begin in range(0, found.height, 4)]


def test_each_item_is_claimed_rightly_and_wrongly() -> None:
    """A new item: its claims in ``RIGHT`` and ``WRONG``, and what ``PEOPLE`` have there, or all (``_ALL``)."""
    columns = {claim.code for item in ITEMS for claim in CLAIMED[item].claims if not claim.code.startswith("relative_")}
    assert not columns - set(RIGHT)
    assert not columns - set(WRONG)


def test_all_is_read_where_nothing_is_lost() -> None:
    codes = set(answers()[0].unpivot()["value"])
    assert codes == {"consistent", "partly_consistent", "inconsistent"}


@pytest.mark.parametrize("place", range(1, len(families())), ids=lambda place: "-".join(families()[place].lost[:2]))
def test_what_is_lost_decides_nothing(place: int) -> None:
    whole, now = answers()[0], answers()[place]
    for name in now.columns:
        for before, after in zip(whole[name], now[name], strict=True):
            assert after in (before, "under_review"), (name, before, families()[place].lost)
