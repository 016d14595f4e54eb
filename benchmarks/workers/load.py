"""What the processors did meanwhile, by part of the world: seconds of processes and of their children."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")

Parts = Mapping[str, list[int]]
"""Part → pids of its first processes."""


def processor_seconds(parts: Parts) -> dict[str, float]:
    """Seconds so far of each part: its processes, their living descendants, and what of those has ended."""
    seen = {int(entry.name): entry for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    stats = {pid: stat for pid, entry in seen.items() if (stat := _stat(entry))}
    return {name: sum(stats[pid][1] for pid in _family(pids, stats)) for name, pids in parts.items()}


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: after[name] - before.get(name, 0.0) for name in after}


def family(pid: int) -> list[int]:
    """The process and its living descendants, itself first."""
    entries = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return _family([pid], {int(entry.name): stat for entry in entries if (stat := _stat(entry))})


def _family(pids: list[int], stats: Mapping[int, tuple[int, float]]) -> list[int]:
    found: list[int] = []
    more = [pid for pid in pids if pid in stats]
    while more:
        found += more
        more = [pid for pid, (parent, _) in stats.items() if parent in more and pid not in found]
    return found


def _stat(entry: Path) -> tuple[int, float] | None:
    """Parent, and seconds with those of children that have ended and were waited for; proc(5)."""
    try:
        text = (entry / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return int(fields[1]), sum(int(field) for field in fields[11:15]) / _TICKS
