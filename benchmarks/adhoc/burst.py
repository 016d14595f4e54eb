"""Many sets at once, or so many a second: all answered, none twice, none lost; by folder, opened results, register and
Airflow.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import ExitStack, contextmanager
from itertools import count, groupby
from threading import Thread

from benchmarks.adhoc.client import Client, connected
from benchmarks.adhoc.sets import Prepared, opened
from exchange.app import App
from exchange.demo.servers.airflow_api import AirflowApi
from exchange.demo.servers.processes import wait_for
from exchange.intake.lanes import Lane
from exchange.register import State

_SECONDS = 600.0
_LOOK_SECONDS = 0.5
"""Between two looks for results."""
_MISSES = 3
"""So many of a partner's awaited results are found lacking in one look, the oldest first; then the next partner is
asked. To list folders in which hundreds of results lie takes time of this program and of partners' servers that the
office then lacks.
"""
_LISTED_EACH = 20
"""Looks, after which folders are listed nevertheless: sets that were answered out of turn."""
_WHOLE = ["claimed", "accepted", "sealed", "delivered", "closed"]


def burst(sets: Sequence[Prepared]) -> dict[str, float]:
    """Batch → seconds to its result. All files are there before the first manifest gets its name."""
    with _laid(sets) as clients:
        dropped = {each.batch: clients[each.partner.id].show(each.manifest) for each in sets}
        answered = _watched(clients, sets, dropped)
    return {batch: answered[batch] - since for batch, since in dropped.items() if batch in answered}


def steady(sets: Sequence[Prepared], a_second: float) -> dict[str, float]:
    """Batch → seconds to its result; one set after the other comes into the office's folder, so many in each second:
    no others lie there, as they would where partners prepare them elsewhere.
    """
    dropped: dict[str, float] = {}

    def drop(clients: Mapping[str, Client]) -> None:
        begin = time.monotonic()
        for number, each in enumerate(sets):
            time.sleep(max(0.0, begin + number / a_second - time.monotonic()))
            dropped[each.batch] = clients[each.partner.id].drop([*each.others, each.manifest])

    with _laid(sets, aside=True) as clients, ExitStack() as stack:
        others = {each.partner.id: stack.enter_context(connected(each.partner)) for each in _one_of_each(sets)}
        dropping = Thread(target=drop, args=(others,))
        dropping.start()
        answered = _watched(clients, sets, dropped)
        dropping.join()
    return {batch: answered[batch] - since for batch, since in dropped.items() if batch in answered}


@contextmanager
def _laid(sets: Sequence[Prepared], *, aside: bool = False) -> Iterator[dict[str, Client]]:
    """Partner → its client; all files lie there, the manifests under names that nobody reads; or all lie ``aside``."""
    with ExitStack() as stack:
        clients = {each.partner.id: stack.enter_context(connected(each.partner)) for each in _one_of_each(sets)}
        for each in sets:
            client = clients[each.partner.id]
            if aside:
                client.set_aside(each.files)
                continue
            client.put({name: each.files[name] for name in each.others})
            client.lay(each.manifest, each.files[each.manifest])
        yield clients


def _one_of_each(sets: Sequence[Prepared]) -> list[Prepared]:
    """The first set of each partner."""
    by_partner = sorted(sets, key=lambda each: each.partner.id)
    return [next(group) for _, group in groupby(by_partner, key=lambda each: each.partner.id)]


def _watched(clients: Mapping[str, Client], sets: Sequence[Prepared], dropped: Mapping[str, float]) -> dict[str, float]:
    """Batch → when its result was seen; those that did not come in time are not among them. ``dropped``: the batches
    that are with the office, others may follow.
    """
    wanted = {partner: [each.batch for each in sets if each.partner.id == partner] for partner in clients}
    seen: dict[str, float] = {}
    deadline = time.monotonic() + _SECONDS + len(sets)
    looks = count(1)
    while any(wanted.values()) and time.monotonic() < deadline:
        listed = next(looks) % _LISTED_EACH == 0
        for partner, client in clients.items():
            awaited = [batch for batch in wanted[partner] if batch in dropped]
            came = client.all_answered() if listed else client.answered(awaited, misses=_MISSES)
            now = time.time()
            seen |= {batch: min(now, came[batch]) for batch in awaited if batch in came}
            wanted[partner] = [batch for batch in wanted[partner] if batch not in seen]
        time.sleep(_LOOK_SECONDS)
    return seen


def faults(app: App, api: AirflowApi, sets: Sequence[Prepared]) -> list[str]:
    """What is not as it must be, a sentence each; nothing where every set was answered once and rightly."""
    batches = [prepared.batch for prepared in sets]
    wait_for(lambda: all(app.register.batch(batch).state == State.CLOSED for batch in batches), _SECONDS)
    there: list[str] = []
    for each in _one_of_each(sets):
        with connected(each.partner) as client:
            there += client.names()
    found = [fault for prepared in sets if (fault := _fault(app, prepared, there))]
    wanted = set(batches)
    for lane, most in ((Lane.IMMEDIATE, 1), (Lane.BATCH, 0), (Lane.LARGE, 0)):
        found += [f"{batch}: {runs} runs of {lane}" for batch, runs in _runs(api, lane, wanted).items() if runs > most]
    return found


def _fault(app: App, prepared: Prepared, there: Sequence[str]) -> str | None:
    batch = prepared.batch
    results = sorted(name for name in there if name.startswith(f"{batch}.result") and name.endswith(".json"))
    if results != [f"{batch}.result.json"]:
        return f"{batch}: results {results}"
    if not opened(prepared):
        return f"{batch}: answers not as planted"
    if (steps := [step.to_state for step in app.register.transitions(batch)]) != _WHOLE:
        return f"{batch}: steps {steps}"
    return None


def _runs(api: AirflowApi, lane: Lane, wanted: Set[str]) -> Counter[str]:
    """Batch → its runs so far: those of answered sets start one by one, some seconds apart."""
    found, skip = Counter[str](), 0
    while runs := api.runs(lane, skip=skip):
        found.update(run["dag_run_id"] for run in runs if run["dag_run_id"] in wanted)
        skip += len(runs)
    return found
