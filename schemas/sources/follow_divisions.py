"""What became of a county: followed by its name from one year's table to the next, up to today.

Rules
- A county is its name within its province, never its code: codes were given out anew (most of all in 1982 and 1983),
  and the yearly table's own numbers for *one county through time* join all that ever bore a code.
- From one year to the next it is the unit of the same name, else of the same stem (榆次市, 榆次区), else of the first
  later year that has one. A unit of that name that stood already the year before comes last: the county merged into it.
- Names that several units of a province bear at once (郊区, 桥东区) count within their city only.
- A county or city that was raised to a prefecture-level city is the districts that came with it, and those of today's
  that nobody bore before; a county that goes on beside its city is itself alone.
- Where no unit bears the stem, the same code under a name that is new is a change of name; then the table of changes is
  asked, by code and name and year. In another province only where provinces were parted.
- ``successors.csv`` goes before all of these. What none of them follows has no successor: an officer looks.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from exchange.matching.division_names import stem

PARTED = {("51", "50"), ("44", "46"), ("42", "50")}
"""Chongqing out of Sichuan (1997), Hainan out of Guangdong (1988)."""

TODAY = 9999
LAST_DISTRICT = 20
"""GB/T 2260 numbers a city's districts 02 to 20."""

RENAMED, MERGED, PARTED_AMONG, RAISED, UNKNOWN = "renamed", "merged", "parted", "raised", "unknown"
REASONS = {"撤销": MERGED, "区划调整": MERGED, "划转": MERGED}
NO_SUCCESSOR = {"码位改派", "新设", "驻地迁移"}
"""Kinds of change that name no successor."""

SAME_NAME = "同名改码"
LAST_YEAR = 2026


@dataclass(frozen=True)
class Unit:
    """A county, or a city (``city`` empty), in one year."""

    code: str
    name: str
    city: str
    province: str


@dataclass(frozen=True)
class Fate:
    """Codes of today; why they do not bear the name, and who says so (both empty where they do)."""

    codes: frozenset[str]
    reason: str = ""
    source: str = ""


NOWHERE = Fate(frozenset(), UNKNOWN, "no source names a successor")


@dataclass(frozen=True)
class Change:
    year: int
    kind: str
    code: str
    name: str
    source: str


def within_reach(old: str, new: str) -> bool:
    return old[:2] == new[:2] or (old[:2], new[:2]) in PARTED


class Follower:
    """``counties`` and ``cities``: year → code → unit, ``TODAY`` the last; ``changes``: (code, name) → what the
    table of changes says; ``own``: (code, name, city or nothing) → fate.
    """

    def __init__(
        self,
        counties: dict[int, dict[str, Unit]],
        cities: dict[int, dict[str, Unit]],
        changes: dict[tuple[str, str], list[Change]],
        own: dict[tuple[str, str, str], Fate],
    ) -> None:
        self.counties, self.cities, self.changes, self.own = counties, cities, changes, own
        years = sorted(counties)
        self._after = dict(pairwise(years))
        self._known: dict[tuple[int, str], Fate] = {}

    @cached_property
    def _by_stem(self) -> dict[int, dict[str, list[Unit]]]:
        found: dict[int, dict[str, list[Unit]]] = {year: defaultdict(list) for year in self.counties}
        for year, units in self.counties.items():
            for unit in units.values():
                found[year][stem(unit.name)].append(unit)
        return found

    def fate(self, year: int, code: str) -> Fate:
        """Of the county that bore the code in that year."""
        if (year, code) not in self._known:
            self._known[year, code] = self._fate(year, self.counties[year][code])
        return self._known[year, code]

    def _fate(self, year: int, unit: Unit) -> Fate:
        if own := self.owned(unit):
            return own
        if year == TODAY:
            return Fate(frozenset([unit.code]))
        after = self._after[year]
        same = self.counties[after].get(unit.code)
        if same and same.name == unit.name and (not self._is_local(unit) or self.in_one_city(unit, same, after)):
            return self.fate(after, unit.code)
        return (
            self._of_the_name(year, after, unit)
            or self._by_code(year, after, unit)
            or self._merged(after, unit)
            or self._by_change(year, after, unit)
            or self._much_later(year, after, unit)
            or NOWHERE
        )

    def owned(self, unit: Unit) -> Fate | None:
        """What ``successors.csv`` says of it."""
        return self.own.get((unit.code, unit.name, unit.city)) or self.own.get((unit.code, unit.name, ""))

    def _joined(self, heirs: list[tuple[int, str]], reason: str = "", source: str = "") -> Fate | None:
        """What became of these; an heir's own reason where there is none yet."""
        fates = [fate for fate in (self.fate(*heir) for heir in heirs) if fate.codes]
        if not fates:
            return None
        codes = frozenset[str]().union(*[fate.codes for fate in fates])
        told = Fate(codes, reason, source) if reason else max(fates, key=lambda fate: fate.reason)
        return Fate(codes, told.reason, told.source)

    def _of_the_name(self, year: int, after: int, unit: Unit) -> Fate | None:
        bearers = self._bearers(after, unit)
        before = {other.name for other in self._bearers(year, unit) if other != unit}
        fresh = [other for other in bearers if other.name not in before]
        exact = [other for other in fresh if other.name == unit.name]
        of_a_city = any(name.endswith("市") for name in before)
        raised = [] if unit.name.endswith("区") else self._raised(year, after, unit)
        if raised and not (exact and of_a_city):
            return self._districts_of(year, after, raised[0], {other.code for other in fresh})
        for among in (exact, fresh):
            if len(among) == 1:
                return self._joined([(after, among[0].code)])
        return None

    def _merged(self, after: int, unit: Unit) -> Fate | None:
        """Into the one that bore the stem already."""
        bearers = self._bearers(after, unit)
        return self._joined([(after, bearers[0].code)]) if len(bearers) == 1 else None

    def _much_later(self, year: int, after: int, unit: Unit) -> Fate | None:
        """In the first later year that has the name again; a district's, in its city."""
        for later in (each for each in sorted(self.counties) if each > after):
            if not unit.name.endswith("区") or any(
                self.in_one_city(unit, other, later) for other in self._bearers(later, unit)
            ):
                found = self._of_the_name(year, later, unit)
                if found:
                    return found
        return None

    def _bearers(self, year: int, unit: Unit) -> list[Unit]:
        """Units of the stem that can be this one."""
        return [
            other
            for other in self._by_stem[year][stem(unit.name)]
            if within_reach(unit.code, other.code) and (not self._is_local(unit) or self.in_one_city(unit, other, year))
        ]

    def _is_local(self, unit: Unit) -> bool:
        return (unit.code[:2], unit.name) in self._common

    @cached_property
    def _common(self) -> set[tuple[str, str]]:
        """Province and name of what several bear at once."""
        return {
            (province, name)
            for units in self.counties.values()
            for (province, name), times in Counter((unit.code[:2], unit.name) for unit in units.values()).items()
            if times > 1
        }

    def _raised(self, year: int, after: int, unit: Unit) -> list[Unit]:
        """The prefecture-level cities of that stem that are new."""
        old = {city.name for city in self.cities[year].values()}
        return [
            city
            for city in self.cities[after].values()
            if city.name.endswith("市")
            and stem(city.name) == stem(unit.name)
            and within_reach(unit.code, city.code)
            and city.name not in old
        ]

    def _districts(self, year: int, after: int, city: Unit) -> list[str]:
        """Those that came with the city, and counties that did; all districts where it had some before; itself where it
        has none.
        """
        below = [code for code in self.counties[after] if code[:4] == city.code[:4] and code[4:] != "00"]
        districts = [code for code in below if 1 < int(code[4:]) <= LAST_DISTRICT]
        before = self._stems_before(year, city)
        came = [code for code in below if stem(self.counties[after][code].name) not in before]
        first = came if set(came) & set(districts) else [*districts, *came]
        return first or ([city.code] if city.code in self.counties[after] else [])

    def _districts_of(self, year: int, after: int, city: Unit, beside: set[str]) -> Fate | None:
        first = {*self._districts(year, after, city), *beside}
        found = self._joined(sorted((after, code) for code in first))
        later = self._later_districts(after, city, first)
        return found and Fate(found.codes | later, RAISED, f"yearly table {after}: {city.code} {city.name}")

    def _later_districts(self, after: int, city: Unit, first: set[str]) -> set[str]:
        """Those of today that no other county of the city's first year became: they were made out of its first ones."""
        others = [
            code for code, unit in self.counties[after].items() if within_reach(code, city.code) and code not in first
        ]
        taken = {code for other in others for code in self.fate(after, other).codes}
        return {
            code for code in self.counties[TODAY] if code[:4] == city.code[:4] and 1 < int(code[4:]) <= LAST_DISTRICT
        } - taken

    def _stems_before(self, year: int, city: Unit) -> set[str]:
        return {stem(unit.name) for unit in self.counties[year].values() if within_reach(unit.code, city.code)}

    def _by_code(self, year: int, after: int, unit: Unit) -> Fate | None:
        """The same code under a name that nobody in the province bore."""
        heir = self.counties[after].get(unit.code)
        if heir is None or self._bearers(year, heir):
            return None
        return self._joined([(after, heir.code)], RENAMED, f"yearly table {after}: {unit.code} {heir.name}")

    def _by_change(self, year: int, after: int, unit: Unit) -> Fate | None:
        for change in self.changes.get((unit.code, unit.name), ()):
            if abs(change.year - min(after, LAST_YEAR)) <= 1 and self._may_name_the_successor(unit, change):
                found = self._changed(year, after, unit, change)
                if found:
                    return found
        return None

    def _may_name_the_successor(self, unit: Unit, change: Change) -> bool:
        """The table of changes is made by comparing codes, too: who took over a code is none, and a code of the same
        name elsewhere is another's.
        """
        return (
            change.kind not in NO_SUCCESSOR
            and change.code != unit.code
            and within_reach(unit.code, change.code)
            and not (change.kind == SAME_NAME and self._is_local(unit) and change.code[:4] != unit.code[:4])
        )

    def _changed(self, year: int, after: int, unit: Unit, change: Change) -> Fate | None:
        for when in (after, change.year, change.year + 1, TODAY):
            heir = self.counties.get(when, {}).get(change.code)
            if heir and stem(heir.name) == stem(change.name) and self._is_near(unit, heir, when, change):
                return self._joined([(when, heir.code)], REASONS.get(change.kind, RENAMED), change.source)
        if change.code.endswith("00") and stem(change.name) in (stem(unit.city), stem(unit.name)):
            city = Unit(change.code, change.name, "", unit.province)
            raised = stem(change.name) == stem(unit.name)
            heirs = [(after, code) for code in self._districts(year, after, city)]
            return self._joined(heirs, RAISED if raised else PARTED_AMONG, change.source)
        return None

    def _is_near(self, unit: Unit, heir: Unit, when: int, change: Change) -> bool:
        """A district becomes a part of another city only by a notice that is named."""
        return (
            not (unit.name.endswith("区") and heir.name.endswith("区"))
            or self.in_one_city(unit, heir, when)
            or change.source[-1] == "号"
            or unit.code[:2] != heir.code[:2]
        )

    def in_one_city(self, unit: Unit, other: Unit, year: int) -> bool:
        """Whether they are of one city, the other one in this year: of the same name, or under the same code where the
        name of the first is no city's any more. 410500 was 鹤壁 until 1982 and is 安阳 since: their 郊区 are two.
        """
        if stem(unit.city) == stem(other.city):
            return True
        standing = {stem(city.name) for city in self.cities[year].values() if city.code[:2] == other.code[:2]}
        return unit.code[:4] == other.code[:4] and stem(unit.city) not in standing

    def is_another(self, unit: Unit, later: Unit, year: int) -> bool:
        """Whether a unit of the same code and name is another one in a later year."""
        return self._is_local(unit) and not self.in_one_city(unit, later, year)
