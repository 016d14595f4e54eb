"""``python -m benchmarks.lookout``; see the package.

Environment: ``PARTNERS`` (1000), ``AD_HOC`` of them that may ask ad hoc (300), ``SERVERS`` that the odd ones share
(50), ``USELESS`` of the ad hoc ones whose server is dead or drips (4), ``SECONDS`` of watching once all are connected
(60), ``DROPS`` in that time (40), ``CONNECT`` seconds given for connecting (60), ``BESIDE``: another checkout,
``WORLD`` (var/bench-lookout).
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from statistics import quantiles
from typing import Final

from benchmarks.lookout.world import ManyPartners
from exchange.base.paths import ROOT

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_SETTLING: Final = 10.0
"""Seconds that the last sets are given."""


def processor_seconds(pid: int) -> float:
    """Of this process so far, as the system counts it."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_mib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


def watched(many: ManyPartners, tree: Path, connect: float, seconds: float, drops: int) -> str:
    """One lookout of this checkout on duty, while sets are dropped; its figures in a line."""
    many.clear()
    command = _command(many, "on_duty.py")
    duty = subprocess.Popen(
        [*command, str(connect + seconds + _SETTLING)],
        env={**os.environ, "PYTHONPATH": str(tree)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    drawn = random.Random(drops)  # noqa: S311  (the same for each checkout; guards nothing)
    partners = [drawn.choice(many.names) for _ in range(drops)]
    sets = [many.prepare(partner, time.time_ns() + number) for number, partner in enumerate(partners)]
    time.sleep(max(connect - drops * 0.1, 1.0))
    quiet_from, quiet_at = processor_seconds(duty.pid), time.monotonic()
    dropped: dict[str, float] = {}
    for partner, files in zip(partners, sets, strict=True):
        time.sleep(drawn.uniform(0.5, 1.5) * seconds / drops)
        many.drop(partner, files)
        dropped[next(reversed(files)).removesuffix(".request.json")] = time.time()
    time.sleep(_SETTLING / 2)
    cores = (processor_seconds(duty.pid) - quiet_from) / (time.monotonic() - quiet_at)
    memory = resident_mib(duty.pid)
    out, err = duty.communicate()
    claimed = {batch: float(at) for batch, at in (line.split() for line in out.splitlines())}
    waits = sorted(claimed[batch] - at for batch, at in dropped.items() if batch in claimed)
    half, most = quantiles(waits, n=20)[9], quantiles(waits, n=20)[18]
    return (
        f"{cores:5.2f} cores  {memory:4} MiB  p50 {half:5.2f} s  p95 {most:5.2f} s  "
        f"{len(waits)} of {drops} found  {err.count('trouble:')} lines of trouble"
    )


def polled(many: ManyPartners, tree: Path) -> str:
    """One poll of this checkout of all partners' folders, its figures in a line."""
    many.clear()
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    said = subprocess.run(_command(many, "poll.py"), env=environment, capture_output=True, text=True, check=True)
    looked_at, whole, spent, troubles = said.stdout.splitlines()[-1].split()
    return (
        f"{spent:>5} s of processor time  {looked_at} s until all were looked at  {whole} s with the status files"
        f"  {troubles} partners in trouble"
    )


def _command(many: ManyPartners, program: str) -> list[str]:
    return [sys.executable, str(Path(__file__).parent / program), str(many.world.config)]


def _asked(name: str, otherwise: int) -> int:
    return int(os.environ.get(name, str(otherwise)))


def main() -> None:
    partners, ad_hoc, drops = _asked("PARTNERS", 1000), _asked("AD_HOC", 300), _asked("DROPS", 40)
    seconds, connect = float(os.environ.get("SECONDS", "60")), float(os.environ.get("CONNECT", "60"))
    world = Path(os.environ.get("WORLD", "var/bench-lookout"))
    many = ManyPartners(world, partners, ad_hoc, _asked("SERVERS", 50), _asked("USELESS", 4))
    try:
        for name in ("BESIDE", ""):
            if tree := os.environ.get(name) if name else str(ROOT):
                print(f"{name or 'here':7}lookout {watched(many, Path(tree), connect, seconds, drops)}", flush=True)
                print(f"{name or 'here':7}poll    {polled(many, Path(tree))}", flush=True)
    finally:
        many.stop()


if __name__ == "__main__":
    main()
