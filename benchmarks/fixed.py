"""What all parts agree on: days, sizes, items, names of files. It imports nothing, so that no measured process pays."""

from __future__ import annotations

from datetime import date
from typing import Final

SEED: Final = 7
AS_OF: Final = date(2026, 11, 22)
TODAY: Final = date(2026, 11, 23)
"""The day of receipt of every request here."""

MILLION: Final = 1_000_000

MATCHED: Final = ("id_number", "name", "sex", "birth_date", "criminal_record")
"""Identity, four items, and what the offence sources hold."""

OUT: Final = ("row_ref", "identity", "note", *(f"answer.{item}" for item in MATCHED))
"""The columns of answers."""

PEERS: Final = "peers"
NUMBERS: Final = "numbers.parquet"
RECORDS: Final = "records.parquet"
BEARERS: Final = "bearers.parquet"
DATABASE: Final = "people.duckdb"
SQLITE: Final = "people.sqlite"
