"""Many sets at once: all answered, none twice, none lost; by folder, opened results, register and Airflow."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.adhoc.client import connected
from benchmarks.adhoc.sets import Desk, Prepared, opened
from exchange.app import App
from exchange.demo.servers.airflow_api import AirflowApi
from exchange.demo.servers.processes import wait_for
from exchange.intake.lanes import Lane
from exchange.register import State

_SECONDS = 240.0
_RUN_SECONDS = 4.0
"""For each run, which starts when its set is answered, a few seconds after the run before."""
_WHOLE = ["claimed", "accepted", "sealed", "delivered", "closed"]


def burst(desk: Desk, sets: Sequence[Prepared]) -> dict[str, float]:
    """Batch → seconds to its result. All files are there before the first manifest gets its name."""
    with connected(desk.court) as client:
        for prepared in sets:
            *others, manifest = prepared.files
            client.put({name: prepared.files[name] for name in others})
            client.lay(manifest, prepared.files[manifest])
        dropped = {prepared.batch: client.show(list(prepared.files)[-1]) for prepared in sets}
        answered = client.wait_for_all([f"{batch}.result.json" for batch in dropped], _SECONDS)
    return {
        batch: answered[f"{batch}.result.json"] - since
        for batch, since in dropped.items()
        if f"{batch}.result.json" in answered
    }


def faults(desk: Desk, app: App, api: AirflowApi, sets: Sequence[Prepared]) -> list[str]:
    """What is not as it must be, a sentence each; nothing where every set was answered once and rightly."""
    batches = [prepared.batch for prepared in sets]
    wait_for(lambda: all(app.register.batch(batch).state == State.CLOSED for batch in batches), _SECONDS)
    with connected(desk.court) as client:
        there = client.names()
    found = []
    for prepared in sets:
        batch = prepared.batch
        if (
            results := sorted(name for name in there if name.startswith(f"{batch}.result") and name.endswith(".json"))
        ) != [f"{batch}.result.json"]:
            found.append(f"{batch}: results {results}")
        elif not opened(desk.court, prepared):
            found.append(f"{batch}: answers not as planted")
        if (steps := [step.to_state for step in app.register.transitions(batch)]) != _WHOLE:
            found.append(f"{batch}: steps {steps}")
    wait_for(lambda: _runs(api, Lane.IMMEDIATE, batches) == len(batches), _SECONDS + _RUN_SECONDS * len(batches))
    for lane, wanted in ((Lane.IMMEDIATE, len(batches)), (Lane.BATCH, 0), (Lane.LARGE, 0)):
        if (runs := _runs(api, lane, batches)) != wanted:
            found.append(f"{runs} runs of {lane} instead of {wanted}")
    return found


def _runs(api: AirflowApi, lane: Lane, batches: Sequence[str]) -> int:
    found, skip = 0, 0
    while runs := api.runs(lane, skip=skip):
        found, skip = found + sum(run["dag_run_id"] in batches for run in runs), skip + len(runs)
    return found
