"""How long this machine's own settings let logs live: six months at least (Cybersecurity Law, art. 21 (3)).

Rules
- Nothing of ours takes a log away, so that no setting of ours says how long; what does is systemd's journal and its
  removal of old files, and their configuration is read here as it is installed. What rotates logs elsewhere (a
  container engine, a server of logs) cannot be asked from here, and the finding says so.
- As systemd reads it: of files of one name those of ``/etc`` go before ``/run`` and ``/usr/lib``; of a setting the last
  one holds; of paths the one nearest to a folder.
- A journal without a number of days is kept until its size is reached, which says nothing of six months.

Sources: journald.conf(5), tmpfiles.d(5), systemd.time(7).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Final

from exchange.operation.finding import HealthFinding, ok, warning
from exchange.settings_sections import LEAST_LOG_DAYS

_PLACES: Final = ("etc", "run", "usr/local/lib", "usr/lib")
_JOURNAL: Final = "systemd/journald@exchange.conf"
_TASK_LOGS: Final = Path("/var/lib/exchange/airflow/logs")
_DAYS: Final = MappingProxyType(
    {"s": 1 / 86400, "m": 1 / 1440, "h": 1 / 24, "d": 1.0, "w": 7.0, "M": 30.44, "y": 365.25}
)
_UNIT: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)")
_AGES: Final = 6
"""The field of a line of tmpfiles.d that holds the age."""


def days_of(text: str) -> float | None:
    """The days of a span as systemd writes it (``210day``, ``6month``, ``1y 2w``); None where it is none."""
    spans = _UNIT.findall(text)
    units = [_unit(unit) for _, unit in spans]
    if not spans or _UNIT.sub("", text).strip() or None in units:
        return None
    return sum(float(number) * _DAYS[unit] for (number, _), unit in zip(spans, units, strict=True) if unit)


def _unit(written: str) -> str | None:
    if written in ("", "s"):
        return "s"
    if written == "M" or written.startswith("month"):
        return "M"
    return next((unit for unit in "smhdwy" if written.startswith(unit) and not written.startswith("ms")), None)


def findings(root: Path = Path("/")) -> Iterator[HealthFinding]:
    """Findings about how long the journal of our units and the tasks' logs are kept. ``root``: where the machine's
    files are.
    """
    journal = _journal_days(root)
    tasks = {str(folder): days for folder in _task_logs() if (days := _age_of(root, folder)) is not None}
    if journal is None and not tasks:
        yield ok("本机没有日志期限的设置可查（容器或他处）", "no setting of log retention to be seen here")
    if journal is not None:
        yield _judged(journal, "journal")
    for folder, days in tasks.items():
        yield _judged(days, folder)


def _judged(days: float, about: str) -> HealthFinding:
    if not days:
        return warning("日志只按大小保留，未必满六个月", "kept by size alone, which may be under six months", about)
    enough = days >= LEAST_LOG_DAYS
    words = f"日志保留 {days:.0f} 天", f"logs are kept for {days:.0f} days"
    least = f"，不足六个月（{LEAST_LOG_DAYS} 天）", f", fewer than the six months of the law ({LEAST_LOG_DAYS})"
    return ok(*words, about) if enough else warning(words[0] + least[0], words[1] + least[1], about)


def _journal_days(root: Path) -> float | None:
    """Days that the journal's namespace is kept; 0 where it is bound by size alone, None where there is no such
    namespace.
    """
    main = [root / folder / _JOURNAL for folder in _PLACES]
    dropped = _of_name([root / folder / f"{_JOURNAL}.d" for folder in _PLACES])
    read = [next((path for path in main if path.is_file()), None), *dropped]
    if not any(read):
        return None
    stated = [line.partition("=")[2].strip() for path in read if path for line in _lines(path) if _is_days(line)]
    return (days_of(stated[-1]) or 0.0) if stated else 0.0


def _is_days(line: str) -> bool:
    return line.partition("=")[0].strip() == "MaxRetentionSec"


def _task_logs() -> list[Path]:
    home = os.environ.get("AIRFLOW_HOME")
    named = os.environ.get("AIRFLOW__LOGGING__BASE_LOG_FOLDER") or (home and f"{home}/logs")
    return list(dict.fromkeys([*([Path(named)] if named else []), _TASK_LOGS]))


def _age_of(root: Path, folder: Path) -> float | None:
    """After how many days what lies in the folder is removed; None where nothing removes it."""
    nearest: tuple[int, float | None] = (-1, None)
    for file in _of_name([root / parent / "tmpfiles.d" for parent in _PLACES]):
        for line in _lines(file):
            fields = line.split()
            if len(fields) > 1 and folder.is_relative_to(fields[1]) and len(Path(fields[1]).parts) > nearest[0]:
                age = fields[_AGES - 1] if len(fields) >= _AGES else "-"
                nearest = len(Path(fields[1]).parts), days_of(age.rpartition(":")[2].lstrip("~"))
    return nearest[1]


def _of_name(folders: list[Path]) -> list[Path]:
    """The files ``*.conf`` by name, each name from the first folder that has it."""
    by_name: dict[str, Path] = {}
    for folder in folders:
        for path in folder.glob("*.conf"):
            by_name.setdefault(path.name, path)
    return [by_name[name] for name in sorted(by_name)]


def _lines(path: Path) -> list[str]:
    """The lines of a settings file without comments; empty where it cannot be read."""
    with suppress(OSError, UnicodeDecodeError):
        lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
        return [line for line in lines if line and not line.startswith(("#", ";"))]
    return []
