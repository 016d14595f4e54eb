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

Airflow runs these three as the tasks of one run per batch (``dags/batch.py``; by ranges ``dags/large.py``);
``exchange batch run`` runs them without it.
"""

from __future__ import annotations

from exchange.app import App
from exchange.steps.deliver import deliver, redeliver
from exchange.steps.process import process, process_ranges
from exchange.steps.ranges import match_range, plan
from exchange.steps.receive import receive
from exchange.steps.release import issue, propose_all, unsent

__all__ = [
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


def run(app: App, batch_id: str) -> bool:
    """The whole way of one claimed batch; whether it was accepted. Errors as the steps raise them."""
    accepted = receive(app, batch_id)
    if accepted:
        process(app, batch_id)
        deliver(app, batch_id)
    return accepted
