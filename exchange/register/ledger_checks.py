"""What is asked of the register's ledger: is it sound, what is its checkpoint, is a batch in it; and how work goes on
after a person has looked.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine

from exchange.base.errors import Halt
from exchange.register import checkpoints, ledger
from exchange.register.begin import begin
from exchange.register.database import reading, transaction
from exchange.register.lines import now
from exchange.register.proof import for_witness, inclusion
from exchange.register.verify import verify


class LedgerChecks:
    """The ledger behind this engine; ``actor`` stands beside the two lines that this adds: resumed, signing begun."""

    engine: Engine
    actor: str

    def verify(self, against: Sequence[Path] = ()) -> tuple[int, str]:
        """(lines, last hash) of a sound register; Halt with the first line, batch or row that was altered, or where
        the ledger disagrees with the checkpoint in one of these files (receipts, results, notes).
        """
        with transaction(self.engine) as session:
            notes = {str(path): checkpoints.read(path, ledger.key_of(session)) for path in against}
            walked = verify(session, [note.size for note in notes.values()])
            if (where := checkpoints.parted(walked, notes)) is not None:
                raise Halt(where, zh="流水与检查点不符，见下")
            return walked.lines, walked.last_hash

    def checkpoint(self, kept: checkpoints.Kept | None = None) -> str | None:
        """The ledger's checkpoint now, a C2SP signed note; None where no line is signed. ``kept``: Halt, too, as
        :meth:`check_newest` says, in the same question.
        """
        with reading(self.engine) as session:
            return checkpoints.present(session, kept)

    def prove(self, batch_id: str, against: Path | None = None) -> str:
        """The proof (C2SP tlog-proof) that the batch is in the ledger whose checkpoint this file holds (a receipt, a
        result's manifest, a note), or in the ledger as it is now; Halt where it is not.
        """
        with transaction(self.engine) as session:
            held = None if against is None else checkpoints.read(against, ledger.key_of(session))
            return inclusion(session, batch_id, held)

    def for_witness(self, since: int) -> str:
        """The request to a witness that signed ``since`` lines last (0: none) for a cosignature under the ledger's
        checkpoint now; Halt where the ledger is not that long.
        """
        with transaction(self.engine) as session:
            return for_witness(session, since)

    def check_agrees(self, path: Path) -> None:
        """Halt where the ledger does not hold the line of the checkpoint in this file."""
        with reading(self.engine) as session:
            checkpoints.check_agrees(session, path)

    def check_newest(self, kept: checkpoints.Kept) -> None:
        """Halt where the ledger does not hold the line of the newest kept, or the newest cosigned, checkpoint."""
        with reading(self.engine) as session:
            checkpoints.check_newest(session, kept)

    def resume(self, kept: checkpoints.Kept, reason: str) -> int:
        """A person has looked: work goes on with the ledger as it is. What it lacks is written down in a line, the kept
        checkpoints that it refutes, or that cannot be read any more, are set aside; how many.
        """
        with transaction(self.engine) as session:
            notes = checkpoints.read_all(kept.all(), ledger.key_of(session))
            walked = verify(session, [note.size for note in notes.values() if note is not None])
            wrong = {
                path: "cannot be read" if note is None else f"{note.size} {note.root}"
                for path, note in notes.items()
                if note is None or checkpoints.parted(walked, {path.name: note})
            }
            if not wrong:
                return 0
            facts = {"resumed": reason} | {f"parted.{path.name}": difference for path, difference in wrong.items()}
            ledger.append_note(session, now(), self.actor, facts)
        kept.set_aside(wrong)
        return len(wrong)

    def begin_signing(self) -> int:
        """Signs the ledger from here on, once; the number of the first signed line."""
        with transaction(self.engine) as session:
            return begin(session, now(), self.actor)
