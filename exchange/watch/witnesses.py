"""Watch whether the witnesses cosign the register's checkpoints as agreed, and take in what they cosigned.

Rules
- A cosigned checkpoint is taken only where the office signed it, a witness of the settings cosigned it, and the ledger
  is still the one that it tells of.
- A cosignature that is older than the settings say, or was never given, is a trouble at each look: a witness that is
  not asked finds nothing. So is one of a day to come: by a clock that was put back none is ever late.
- Each witness is looked at by itself: what is wrong with the cosignature of one hides nothing of another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from exchange.app import App
from exchange.base.errors import Halt
from exchange.register import checkpoints
from exchange.register.cosigning import WitnessKey
from exchange.settings_sections import WitnessSettings

_APART: Final = timedelta(days=1)
"""How far a witness's clock may be ahead of ours."""


@dataclass(frozen=True)
class Cosigned:
    """What a witness cosigned last: so many lines, and when; None and 0 where it never did."""

    witness: WitnessSettings
    size: int = 0
    at: datetime | None = None

    def days_late(self, now: datetime) -> int | None:
        """Days since the last cosignature, where that is more than agreed; -1 where there is none."""
        if self.at is None:
            return -1
        return (now - self.at).days if now - self.at > timedelta(days=self.witness.days) else None

    def is_ahead(self, now: datetime) -> bool:
        """Whether the last cosignature is of a day to come: none was taken that was, so this clock was put back."""
        return self.at is not None and self.at > now + _APART


def cosigned(app: App) -> list[Cosigned]:
    """What each witness of the settings cosigned last; Halt where a kept cosignature does not hold."""
    return [last_of(app, witness) for witness in app.settings.witnesses]


def each_by_itself(app: App) -> list[tuple[WitnessSettings, Cosigned | Halt]]:
    """What each witness of the settings cosigned last, or what is wrong with that."""
    found: list[tuple[WitnessSettings, Cosigned | Halt]] = []
    for witness in app.settings.witnesses:
        try:
            found.append((witness, last_of(app, witness)))
        except Halt as error:
            found.append((witness, error))
    return found


def watch_witnesses(app: App) -> list[str]:
    """A sentence for each witness that has not cosigned as agreed, or whose cosignature does not hold."""
    return list(_late(app))


def take(app: App, path: Path) -> Cosigned:
    """Keeps a checkpoint that a witness cosigned; Halt where it is none, or the ledger is another than it tells of."""
    checkpoint = checkpoints.read(path, app.ledger_key)
    note = path.read_text("utf-8")
    for witness in app.settings.witnesses:
        key = key_of(witness)
        at = key.cosigned_at(note, checkpoint)
        if at is None:
            continue
        if at > app.now() + _APART:
            msg = f"{path}: the witness's clock is more than a day before ours"
            raise Halt(msg)
        app.register.check_agrees(path)
        kept = last_of(app, witness)
        if kept.at is None or (kept.size, kept.at) < (checkpoint.size, at):
            app.checkpoints.keep_cosigned(note, key.id, checkpoint.size)
        return Cosigned(witness, checkpoint.size, at)
    msg = f"{path}: no witness of the settings cosigned this checkpoint"
    raise Halt(msg)


def key_of(witness: WitnessSettings) -> WitnessKey:
    """The witness's key; Halt where the settings hold none."""
    try:
        return WitnessKey.parse(witness.key)
    except ValueError:
        msg = f"[[witnesses]] {witness.zh}: not a witness's key, as the witness printed it"
        raise Halt(msg) from None


def _late(app: App) -> Iterator[str]:
    for witness, last in each_by_itself(app):
        if isinstance(last, Halt):
            yield str(last)
        elif last.is_ahead(app.now()):
            yield f"the witness {witness.zh} cosigned on {last.at:%Y-%m-%d}, which is to come: this clock was put back"
        elif (days := last.days_late(app.now())) is not None:
            since = "never cosigned" if days < 0 else f"last cosigned {days} days ago"
            yield f"the witness {witness.zh} {since}, every {witness.days} were agreed"


def last_of(app: App, witness: WitnessSettings) -> Cosigned:
    """What this witness cosigned last; Halt where the kept cosignature does not hold."""
    key = key_of(witness)
    files = app.checkpoints.cosigned(key.id)
    if not files:
        return Cosigned(witness)
    checkpoint = checkpoints.read(files[-1], app.ledger_key)
    at = key.cosigned_at(files[-1].read_text("utf-8"), checkpoint)
    if at is None:
        msg = f"{files[-1]}: the cosignature of {witness.zh} does not hold"
        raise Halt(msg)
    return Cosigned(witness, checkpoint.size, at)
