"""What a partner's status file showed of each batch: kept, so that only what moved since is attested and read again.

    <home>/cache/<partner>.status

Rules
- An entry rests on the batch's last line in the ledger. While that line is the last one the entry stands as it was when
  the batch was held against it, whatever its tables say meanwhile; who alters them past the ledger changes nothing here
  and is found by whatever reads the batch, at night at the latest.
- Entries stand for one office day: each day all are attested and made anew.
- The file is encrypted and bound to the partner; what cannot be read is as good as none (``base/cache.py``). It holds
  what the status file says and nothing else.
- It is never in the way: where the office's key or disk is in trouble, all is attested, and nothing kept. Who cannot do
  without them tells of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Self

from pydantic import ValidationError

from exchange.app import App
from exchange.base.errors import ExchangeError
from exchange.register.standing import Known
from exchange.wire.manifest import Record
from exchange.wire.status import BatchStatus, WaitingResult


class ShownBatch(Record):
    """A batch as it was shown. ``line``: the hash of its last line then; ``batch``: None where nothing but its results
    was shown, of which ``results`` are those that waited.
    """

    line: str
    batch: BatchStatus | None
    results: list[WaitingResult]

    @property
    def known(self) -> Known:
        """The same, for the register."""
        return Known(self.line, self.batch is not None, frozenset(result.name for result in self.results))


class Shown(Record):
    """The batches that were shown to a partner on an office day, by their ids."""

    day: date
    batches: dict[str, ShownBatch]

    @classmethod
    def read(cls, app: App, partner: str, day: date) -> Self:
        """What was kept on this day; nothing where there is nothing that can be read."""
        with suppress(ValidationError, ExchangeError):
            blocks = app.cache.read(_name(partner), [0])
            if blocks and (shown := cls.model_validate_json(blocks[0])).day == day:
                return shown
        return cls(day=day, batches={})

    @property
    def known(self) -> Mapping[str, Known]:
        """Batch → what is known of it."""
        return {batch: shown.known for batch, shown in self.batches.items()}

    def keep(self, app: App, partner: str) -> None:
        """Keeps it for the next time."""
        with suppress(ExchangeError):
            app.cache.write(_name(partner), [self.model_dump_json().encode()])


def _name(partner: str) -> str:
    return f"{partner}.status"
