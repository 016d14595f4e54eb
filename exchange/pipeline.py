"""The way of a batch: the table of contents of this package.

    collect      find complete request sets in the partners' folders, claim each once          intake/collect.py
    ── for each batch ────────────────────────────────────────────────────────────────────────────────────
    receive      fetch, keep the original, trust it or refuse it, send the receipt             steps/receive.py
                     trust: signature, agreement, no replay                                    steps/trust.py
                     read: decrypt, encoding, columns, rows                                     steps/request.py
    process      match, mask, encrypt; the result lies signed and encrypted on disk        steps/process.py
                     very large batches: decided by ranges before, on several machines         steps/ranges.py
    deliver      put the result under its final name, close the batch                          steps/deliver.py

    ── rows that had to wait for an officer, a leader or a source ───────────────────────────────────────
    release      propose what can leave; issue a supplementary result once it is approved      steps/release.py

Rules
- A step is a side effect's boundary: it may be killed at any instruction and run again, with the same outcome. It
  begins by asking the register how far the batch is and ends by writing down that it is further.
- Plain personal data exists only inside a step, in memory; what rests on disk is the partner's original as it came, and
  results that are already encrypted.
- Refused ends in a receipt. Retryable and Halt leave the batch where it was, for the next run of the same step.
- Every log line of a step carries batch, partner and step; its last one says how long it took (``base/step_log.py``).

Airflow runs these three as the tasks of one run per batch (``dags/batch.py``; by ranges ``dags/large.py``);
``exchange batch run`` runs them without it.
"""

from __future__ import annotations

from exchange.app import App
from exchange.base.errors import Halt
from exchange.base.step_log import logged
from exchange.register.releases import parse_id
from exchange.steps import deliver as _deliver
from exchange.steps import process as _process
from exchange.steps import ranges as _ranges
from exchange.steps import receive as _receive
from exchange.steps import release as _release
from exchange.steps.release import propose_all, unsent
from exchange.wire.pool import pooled

__all__ = [
    "check_known",
    "check_known_release",
    "deliver",
    "issue",
    "match_range",
    "plan",
    "process",
    "process_ranges",
    "propose_all",
    "receive",
    "redeliver",
    "run",
    "unsent",
]

receive = logged(_receive.receive)
plan = logged(_ranges.plan)
match_range = logged(_ranges.match_range)
process = logged(_process.process)
process_ranges = logged(_process.process_ranges)
deliver = logged(_deliver.deliver)
redeliver = logged(_deliver.redeliver)
issue = logged(_release.issue)


def check_known(app: App, batch_id: str) -> None:
    """Halt where the register knows no such batch: who starts a run by hand is offered an id that is none."""
    if app.register.find_batch(batch_id) is None:
        msg = f"no batch is called {batch_id}, and a run is called as its batch"
        raise Halt(msg, zh=f"没有名为 {batch_id} 的批次，运行编号须是批次号")


def check_known_release(app: App, release_id: str) -> None:
    """As :func:`check_known`, of a release."""
    try:
        app.register.releases.get(*parse_id(release_id))
    except Halt:
        msg = f"no release is called {release_id}, and a run is called as its release"
        raise Halt(msg, zh=f"没有名为 {release_id} 的放行，运行编号须以放行的名称开头") from None


def run(app: App, batch_id: str) -> bool:
    """The whole way of one claimed batch; whether it was accepted. Errors as the steps raise them."""
    with pooled():
        accepted = receive(app, batch_id)
        if accepted:
            process(app, batch_id)
            deliver(app, batch_id)
    return accepted
