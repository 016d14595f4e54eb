"""Where the time of a set went, by the register's ledger: Airflow hears of it when it is answered.

poll      from the manifest's name on the server to the claim
receive   to the acceptance: fetch, verify, read, receipt
process   to the sealed result: match, mask, seal
deliver   to the moment in which the partner has read the result's manifest
"""

from __future__ import annotations

from itertools import pairwise

from exchange.app import App

STAGES = ("poll", "receive", "process", "deliver")
_STEPS = ("claimed", "accepted", "sealed")


def stages_of(app: App, batch: str, dropped: float, answered: float) -> dict[str, float]:
    """Stage → seconds."""
    steps = {step.to_state: step.at.timestamp() for step in app.register.transitions(batch)}
    moments = [dropped, *[steps[step] for step in _STEPS], answered]
    return {stage: later - earlier for stage, (earlier, later) in zip(STAGES, pairwise(moments), strict=True)}
