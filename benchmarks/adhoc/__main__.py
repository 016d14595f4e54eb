"""``python -m benchmarks.adhoc``; see the package.

Environment: ``SETS`` of each size (30), ``SIZES`` in rows (1 100), ``PHASES`` (quiet burst loaded), ``BURST`` sets at
once (50), ``ANNUAL_ROWS`` (1000000), ``WORLD`` (var/bench-adhoc). With fewer sets than 30, or without a phase, the page
goes to the world's folder and the one in ``benchmarks/`` stays.
"""

from __future__ import annotations

import os
import random
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from benchmarks.adhoc import page
from benchmarks.adhoc.annual import kept_in_process, share_covered
from benchmarks.adhoc.burst import burst, faults
from benchmarks.adhoc.client import connected
from benchmarks.adhoc.sets import Desk, opened
from benchmarks.adhoc.stages import stages_of
from benchmarks.adhoc.world import running
from exchange.app import App
from exchange.demo.servers.airflow import Airflow

ENOUGH: Final = 30
ALL_PHASES: Final = ("quiet", "burst", "loaded")
PROMISE_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = 1.5


def measure(desk: Desk, app: App, sizes: list[int], sets: int) -> list[dict[str, Any]]:
    """One figure for each set: rows, seconds, seconds per stage."""
    prepared = [desk.ad_hoc(rows) for _ in range(sets) for rows in sizes]
    found: list[dict[str, Any]] = []
    with connected(desk.court) as client:
        for each in prepared:
            *others, manifest = each.files
            client.put({name: each.files[name] for name in others})
            client.lay(manifest, each.files[manifest])
            time.sleep(random.uniform(0, _PAUSE_SECONDS))  # noqa: S311  (spreads the drops over the looks)
            dropped = client.show(manifest)
            answered = client.wait_for(f"{each.batch}.result.json", PROMISE_SECONDS)
            if answered is None:
                sys.exit(f"{each.batch} was not answered in {PROMISE_SECONDS:.0f} s")
            found.append({"batch": each.batch, "rows": each.rows, "dropped": dropped, "answered": answered})
            print(f"{each.rows:>4} rows  {answered - dropped:.2f} s", flush=True)
    if wrong := [each.batch for each in prepared if not opened(desk.court, each)]:
        sys.exit(f"answers not as planted: {wrong}")
    for figure in found:
        figure["stages"] = stages_of(app, figure["batch"], figure["dropped"], figure["answered"])
    return found


def main() -> None:
    sets, many = int(os.environ.get("SETS", ENOUGH)), int(os.environ.get("BURST", "50"))
    sizes = [int(rows) for rows in os.environ.get("SIZES", "1 100").split()]
    phases = os.environ.get("PHASES", " ".join(ALL_PHASES)).split()
    annual_rows = int(os.environ.get("ANNUAL_ROWS", "1000000"))
    folder = Path(os.environ.get("WORLD", "var/bench-adhoc"))
    figures: dict[str, Any] = {"sets": sets, "annual_rows": annual_rows}
    with ExitStack() as stack:
        world, airflow = stack.enter_context(running(folder))
        app = stack.enter_context(App.open("benchmark", world.config))
        desk = Desk(world)
        measure(desk, app, [1], 3)  # the first ones after the start are nobody's figure
        if "quiet" in phases:
            figures["quiet"] = measure(desk, app, sizes, sets)
        if "burst" in phases:
            figures["burst"] = _burst(desk, airflow, app, many)
        if "loaded" in phases:
            with kept_in_process(desk, airflow, app, annual_rows) as annual:
                begin = time.time()
                figures["loaded"] = measure(desk, app, sizes, sets)
                end = time.time()
            figures["annual"] = {"batches": len(annual.dropped), "share": share_covered(annual.spans(), begin, end)}
    whole = sets >= ENOUGH and set(phases) == set(ALL_PHASES)
    page.write(figures, Path("benchmarks") if whole else folder)


def _burst(desk: Desk, airflow: Airflow, app: App, many: int) -> dict[str, Any]:
    prepared = [desk.ad_hoc(1) for _ in range(many)]
    took = burst(desk, prepared)
    with airflow.api() as api:
        wrong = faults(desk, app, api, prepared)
    print(
        f"burst of {many}: {len(took)} answered, the last after {max(took.values()):.1f} s; faults: {wrong or 'none'}"
    )
    return {"sets": many, "seconds": sorted(took.values()), "faults": wrong}


if __name__ == "__main__":
    main()
