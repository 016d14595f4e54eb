"""The guard's thresholds: ``schemas/guard.toml``, each with its reason there."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Final

from exchange.base.paths import SCHEMAS


@dataclass(frozen=True)
class Thresholds:
    """One field for each entry of the table; whole numbers unless it is a share."""

    span_days: int
    past_days: int
    rows_to_compare: int
    share_unknown: float
    share_least: float
    share_most: float
    share_times: int
    share_deviations: int
    share_rows: int
    sequence_numbers: int
    name_numbers: int
    name_numbers_per_row: float
    number_names: int
    person_partners: int
    small_set: int


def _load() -> Thresholds:
    table = tomllib.loads((SCHEMAS / "guard.toml").read_text(encoding="utf-8"))["threshold"]
    return Thresholds(**{entry["code"]: entry["value"] for entry in table})


THRESHOLDS: Final = _load()
