"""How the office stands, always on the board: its sources, certificates and standing duties, also while all is well.

Rules
- Whether something is in order is decided by the health checks (``operation/office.py``), not here.
- Certificates that end within ``TOLD_DAYS`` are listed among the troubles; here only how many, and which ends first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from exchange.app import App
from exchange.base.duty import BACKUP, RELEASES, RUNS, VERIFY, Duties
from exchange.base.tables import SOURCES
from exchange.calendar.working_days import office_day
from exchange.operation import office
from exchange.operation.finding import Condition, HealthFinding
from exchange.pages.troubles import last_days
from exchange.pages.words import moment
from exchange.supervision.labels import Words
from exchange.wire.certificates import TOLD_DAYS

_USES: Final = {"signing": "签名", "encryption": "加密", "decryption": "解密"}


@dataclass(frozen=True)
class Standing:
    """A line of the board. ``at``: when it was last done, or the day of its data; ``is_well``: nobody need look."""

    kind: Words
    words: Words
    at: str
    is_well: bool


def standing(app: App) -> list[Standing]:
    """Sources, certificates and standing duties, whether or not they are well."""
    return [*_sources(app), _certificates(app), *_duties(app)]


def _sources(app: App) -> Iterator[Standing]:
    for finding in office.sources(app):
        current = app.snapshots.current(finding.about)
        yield _standing(Words("数据源", SOURCES[finding.about].code), finding, str(current.as_of) if current else "")


def _certificates(app: App) -> Standing:
    kind = Words("证书", "certificates")
    days = sorted(last_days(app))
    soon = sum((day - office_day(app.now())).days <= TOLD_DAYS[0] for day, _, _ in days)
    if not days:
        return Standing(kind, Words("没有可读取的证书", "none can be read"), "", is_well=False)
    day, owner, use = days[0]
    within = Words(f"{TOLD_DAYS[0]} 天内到期 {soon} 张", f"{soon} end within {TOLD_DAYS[0]} days")
    words = Words(f"{within.zh}；最早：{owner}{_USES[use]}证书", f"{within.en}; the first")
    return Standing(kind, words, str(day), is_well=not soon)


def _duties(app: App) -> Iterator[Standing]:
    last = Duties.of_home(app.settings.home).last
    findings = [("值守、收件", "on duty", finding.about, finding) for finding in office.duties(app)]
    findings += [("停滞", "standing still", RUNS, finding) for finding in office.batches(app)]
    findings += [("停滞", "standing still", RELEASES, finding) for finding in office.releases(app)]
    findings += [("核对登记簿", "ledger's check", VERIFY, finding) for finding in office.ledger(app)]
    findings += [("备份", "backup", BACKUP, finding) for finding in office.backup(app)]
    for zh, en, duty, finding in findings:
        sign = last(duty)
        yield _standing(Words(zh, en), finding, moment(sign.at) if sign else "")


def _standing(kind: Words, finding: HealthFinding, at: str) -> Standing:
    return Standing(kind, Words(finding.zh, finding.en), at, finding.condition is Condition.OK)
