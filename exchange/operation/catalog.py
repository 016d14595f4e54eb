"""The metrics: name, what it is, labels. Rules and dashboard may use these and no others.

Rules
- Codes and counts alone: a label is a state, a source, a partner's code, a division, the name of a check; never a
  batch, a person or a file.
- Names and units as Prometheus asks for: base units, ``_total`` for what only grows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Metric:
    """A metric's help text, and the names of its labels."""

    help: str
    labels: tuple[str, ...] = ()


HISTOGRAM: Final = "exchange_answer_seconds"

CATALOG: Final[Mapping[str, Metric]] = {
    "exchange_batches": Metric("Batches in the register.", ("state",)),
    "exchange_oldest_open_seconds": Metric("Since when the oldest open batch is here.", ("state",)),
    "exchange_unmoved_batches": Metric("Batches that a run has to take further and that stand still, as in health."),
    "exchange_batches_due": Metric("Open batches by urgency: late, today, at_risk, paused, in_time.", ("urgency",)),
    "exchange_review_rows": Metric("Rows of open batches with an office: open, decided.", ("division", "state")),
    "exchange_releases": Metric("Supplementary results under way; proposed ones wait for a leader.", ("state",)),
    "exchange_unsent_releases": Metric("Releases that may leave and stand still, as in health."),
    "exchange_missing_sets": Metric("Sets that agreements expect and that have not come."),
    "exchange_unfinished_sets": Metric("Sets that lack something and are left alone."),
    "exchange_ledger_lines": Metric("Lines of the ledger."),
    "exchange_ledger_sound": Metric("1 where the last verification of the ledger found nothing, else 0."),
    HISTOGRAM: Metric("From the claim of a set to its first result in the partner's folder.", ("lane",)),
    "exchange_snapshot_present": Metric("1 where the source has a snapshot in use, else 0.", ("source",)),
    "exchange_snapshot_age_seconds": Metric("Age of the source's snapshot in use, in whole days.", ("source",)),
    "exchange_snapshot_limit_seconds": Metric("Age up to which the source is asked.", ("source",)),
    "exchange_certificate_seconds": Metric(
        "Until the first certificate ends, in whole days; -1: cannot be read.", ("owner",)
    ),
    "exchange_disk_free_bytes": Metric("Room on the disk of the office's home."),
    "exchange_disk_free_inodes_ratio": Metric("Share of inodes that are free there."),
    "exchange_duty_age_seconds": Metric("Since a standing duty was last done: collect, lookout, watch …", ("duty",)),
    "exchange_partner_look_age_seconds": Metric("Since a partner's folder was last looked into.", ("partner",)),
    "exchange_poll_troubles": Metric("Troubles of the last look into all folders."),
    "exchange_health": Metric("What a check of `exchange health` finds: 0 ok, 1 warning, 2 failing.", ("check",)),
    "exchange_metrics_incomplete": Metric("1 where this part of the metrics could not be counted.", ("part",)),
    "exchange_metrics_written_seconds": Metric("When these metrics were counted, in seconds since 1970."),
}
