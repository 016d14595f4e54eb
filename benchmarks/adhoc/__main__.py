"""``python -m benchmarks.adhoc``; see the package.

Environment: ``SETS`` of each size (30), ``SIZES`` in rows (1 100), ``PHASES`` (quiet burst steady loaded), ``BURST``
sets at once (500) from ``PARTNERS`` (20), ``A_SECOND`` (5) for ``STEADY_SECONDS`` (600), ``ANNUAL_ROWS`` (1000000),
``RESIDENTS``: a further burst with each of these numbers of resident workers; ``WORLD`` (var/bench-adhoc). With fewer
sets than 30, or without a phase, the page goes to the world's folder and the one in ``benchmarks/`` stays.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

from benchmarks.adhoc import page
from benchmarks.adhoc.annual import kept_in_process, share_covered
from benchmarks.adhoc.burst import burst, faults, steady
from benchmarks.adhoc.client import connected
from benchmarks.adhoc.sets import Desk, Prepared, opened
from benchmarks.adhoc.spending import begun
from benchmarks.adhoc.stages import stages_of
from benchmarks.adhoc.world import running, with_residents
from exchange.app import App
from exchange.demo.partner import DemoPartner
from exchange.demo.servers.airflow import Airflow

ENOUGH: Final = 30
ALL_PHASES: Final = ("quiet", "burst", "steady", "loaded")
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
    if wrong := [each.batch for each in prepared if not opened(each)]:
        sys.exit(f"answers not as planted: {wrong}")
    for figure in found:
        figure["stages"] = stages_of(app, figure["batch"], figure["dropped"], figure["answered"])
    return found


def main() -> None:
    sets, many = int(os.environ.get("SETS", ENOUGH)), int(os.environ.get("BURST", "500"))
    a_second, seconds = float(os.environ.get("A_SECOND", "5")), int(os.environ.get("STEADY_SECONDS", "600"))
    sizes = [int(rows) for rows in os.environ.get("SIZES", "1 100").split()]
    phases = os.environ.get("PHASES", " ".join(ALL_PHASES)).split()
    annual_rows = int(os.environ.get("ANNUAL_ROWS", "1000000"))
    folder = Path(os.environ.get("WORLD", "var/bench-adhoc"))
    figures: dict[str, Any] = {"sets": sets, "annual_rows": annual_rows}
    with ExitStack() as stack:
        world, airflow, others = stack.enter_context(running(folder, int(os.environ.get("PARTNERS", "20"))))
        app = stack.enter_context(App.open("benchmark", world.config))
        desk = Desk(world)
        measure(desk, app, [1], 3)  # the first ones after the start are nobody's figure
        if "quiet" in phases:
            figures["quiet"] = measure(desk, app, sizes, sets)
        if "burst" in phases:
            for residents in ("", *os.environ.get("RESIDENTS", "").split()):
                prepared = _of_each(desk, others, many)
                if residents:
                    with_residents(world, airflow, int(residents))
                ended = begun(world, airflow, others)
                took = burst(prepared)
                what = f"burst of {many}{residents and f', {residents} resident workers'}"
                figures["burst"] = _checked(what, airflow, app, prepared, took, ended(many))
        if "steady" in phases:
            prepared = _of_each(desk, others, int(a_second * seconds))
            ended = begun(world, airflow, others)
            took = steady(prepared, a_second)
            found = _checked(f"{a_second:g} a second", airflow, app, prepared, took, ended(len(prepared)))
            figures["steady"] = found | {"a_second": a_second}
        if "loaded" in phases:
            with kept_in_process(desk, airflow, app, annual_rows) as annual:
                begin = time.time()
                figures["loaded"] = measure(desk, app, sizes, sets)
                end = time.time()
            figures["annual"] = {"batches": len(annual.dropped), "share": share_covered(annual.spans(), begin, end)}
    whole = sets >= ENOUGH and set(phases) == set(ALL_PHASES)
    page.write(figures, Path("benchmarks") if whole else folder)


def _of_each(desk: Desk, partners: Sequence[DemoPartner], many: int) -> list[Prepared]:
    """So many sets of one row, one partner after the other."""
    print(f"… {many} sets", flush=True)
    return [desk.ad_hoc(1, partner) for partner in islice(cycle(partners), many)]


def _checked(
    what: str,
    airflow: Airflow,
    app: App,
    sets: Sequence[Prepared],
    took: Mapping[str, float],
    spent: Mapping[str, float],
) -> dict[str, Any]:
    """Seconds, ascending, what was not as it must be, and whose processor time a set took."""
    seconds = sorted(took.values())
    late = page.percentile_95(seconds)
    print(
        f"{what}: {len(took)} answered, 95 of 100 within {late:.1f} s, the last after {seconds[-1]:.1f} s", flush=True
    )
    print("ms a set: " + "  ".join(f"{name} {each:.1f}" for name, each in spent.items()), flush=True)
    with airflow.api() as api:
        wrong = faults(app, api, sets)
    print(f"faults: {wrong or 'none'}", flush=True)
    partners = len({each.partner.id for each in sets})
    return {"sets": len(sets), "partners": partners, "seconds": seconds, "faults": wrong, "spent": dict(spent)}


if __name__ == "__main__":
    main()
