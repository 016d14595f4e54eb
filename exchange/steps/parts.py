"""A very large batch in parts (分段): each decides the rows whose numbers fall into one range of the population's keys.

Rules
- The ranges cut the pinned population into equal numbers of people, so that whoever decides a part needs that stretch
  of the snapshot in memory and not the whole; for people outside of it (relatives, superseded numbers) the mapped
  files are whole. Every row belongs to exactly one part; one whose number cannot be read, to the first.
- A part rests as row numbers, codes and rows of the population, without names or numbers, sealed to the office's own
  certificate, in the archive under its hash. Airflow carries the hashes; they are checked before a part is opened.
- Parts put together are the table that deciding in one go gives; a test holds the one against the other.
- A part that is made again has another hash (encryption is random). The parts go when the batch is sealed; what was
  left by a try that was killed, and is named by nobody, goes by retention.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import numpy as np
import polars as pl

from exchange.envelope import seal, unseal
from exchange.errors import Halt
from exchange.matching import unregistered
from exchange.matching.decide import decide
from exchange.matching.id_numbers import standardise
from exchange.matching.lookup import SortedTable
from exchange.office import Office
from exchange.register import State
from exchange.steps.answers import POPULATION, Question

log = logging.getLogger(__name__)

ROW: Final = "row"
AS_CLAIMED: Final = ("row_ref", "id_number", "name")
"""What a part leaves out: it stands in the request."""

_AHEAD: Final = timedelta(days=1)
"""More than two machines' clocks differ: a part that was laid down a moment ago is removed all the same."""


def plan(office: Office, batch_id: str) -> int:
    """Into how many parts a batch is cut; 0 where it is answered in one go, or has been. Pins the snapshots."""
    batch = office.register.batch(batch_id)
    if batch.state is not State.ACCEPTED:
        return 0
    question = Question.of(office, batch)
    manifest, policy = question.manifest, office.settings.policy
    by_number = unregistered.CODE not in manifest.items and manifest.objects_to is None
    if manifest.rows < policy.large_rows or not by_number:
        return 0
    parts = -(-manifest.rows // policy.part_rows)
    log.info("%s: %d rows in %d parts, by population %s", batch_id, manifest.rows, parts, question.pins[POPULATION][0])
    return parts


def match_part(office: Office, batch_id: str, part: int, of: int) -> str:
    """Decides one part, from 0; the hash under which it lies in the archive. Empty where the batch is further."""
    batch = office.register.batch(batch_id)
    if batch.state is not State.ACCEPTED:
        return ""
    question = Question.of(office, batch)
    sources = question.sources()
    mine = part_of_rows(question.table, sources.population.people, of, question) == part
    rows = question.table.with_row_index(ROW).filter(mine)
    decided = decide(rows.drop(ROW), question.manifest.items, sources, question.today)
    content = _written(decided.drop(AS_CLAIMED).insert_column(0, rows[ROW]), _name(question, part, of))
    log.info("%s: part %d of %d, %d rows", batch_id, part + 1, of, rows.height)
    return office.archive.keep(seal(content, office.decryption.certificate))


def part_of_rows(table: pl.DataFrame, people: SortedTable, of: int, question: Question) -> pl.Series:
    """The number of the part that each row belongs to."""
    keys = standardise(table.select("id_number"), question.today)["key"].fill_null(-1).to_numpy()
    bounds = people.keys[[len(people.keys) * part // of for part in range(1, of)]]
    return pl.Series(np.searchsorted(bounds, keys, side="right"))


def assembled(question: Question, hashes: Sequence[str]) -> pl.DataFrame:
    """The parts put together: what ``matching.decide`` gives in one go. Halt where they are not this batch's, whole."""
    parts = [_opened(question, digest, _name(question, part, len(hashes))) for part, digest in enumerate(hashes)]
    answers = pl.concat(parts).sort(ROW)
    if not answers[ROW].equals(pl.Series(ROW, range(question.table.height), dtype=pl.UInt32)):
        raise Halt(_NOT_WHOLE)
    return pl.concat([question.table.select(AS_CLAIMED), answers.drop(ROW)], how="horizontal")


def remove(office: Office, hashes: Sequence[str]) -> None:
    """Removes parts that are not needed any more; some may be gone already."""
    for digest in filter(None, hashes):
        office.archive.destroy(digest, office.now() + _AHEAD)


_NOT_WHOLE: Final = "the parts do not make up this batch; clear the task `plan` and those after it"


def _name(question: Question, part: int, of: int) -> str:
    """What a part says that it is; another batch's, another cut's or another snapshot's is not taken for it."""
    return f"{question.batch.id} {part}/{of} {question.pins[POPULATION][0]}"


def _written(frame: pl.DataFrame, name: str) -> bytes:
    """A line that says what part it is, then the table as an Arrow file."""
    stream = io.BytesIO(name.encode() + b"\n")
    stream.seek(0, io.SEEK_END)
    frame.write_ipc(stream, compression="zstd")
    return stream.getvalue()


def _opened(question: Question, digest: str, name: str) -> pl.DataFrame:
    office = question.office
    said, _, table = unseal(office.archive.read(digest), office.decryption).partition(b"\n")
    if said != name.encode():
        raise Halt(_NOT_WHOLE)
    return pl.read_ipc(table)
