"""A result's files: masked, judged, written, signed, encrypted, kept.

Rules: nothing plain is written, rows go from memory into the partner's envelope; the gate judges before anything is
sealed; the files are kept in the archive before the register hears of them.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
import polars.selectors as cs

from exchange.envelope import load_certificate, seal, sign
from exchange.files import sha256
from exchange.manifest import SIGNATURE_SUFFIX, File, ResultManifest, SnapshotDate, write
from exchange.masking import ID_NUMBER_ANYWHERE, mask
from exchange.matching.decide import FOR_THE_OFFICE
from exchange.register import FileRecord, Role, numbered
from exchange.results import count_answers, notes_of, write_csv, write_xlsx
from exchange.steps.answers import Question, answer_columns
from exchange.steps.receipt import due_day
from exchange.tables import ANSWERS, SOURCES
from exchange.validate.gate import judge

Counts = dict[str, dict[str, int]]


def seal_result(
    question: Question, answers: pl.DataFrame, asked: pl.DataFrame, *, supplement: int, rows_open: int
) -> tuple[Counts, list[FileRecord]]:
    """Counts per answer, and the three files, of these rows. ``asked``: the same rows of the request;
    ``supplement``: 0 for the first result, then 1, 2…; ``rows_open``: still to be answered after this result.
    """
    manifest, form = question.manifest, question.agreement.result
    masking = question.agreement.masking
    masked = mask(answers.drop(FOR_THE_OFFICE), masking.id_number, masking.name)
    judge("result", _counts(asked, masked))
    counts = count_answers(answers, manifest.items)
    snapshots = _snapshot_dates(question, supplement)
    if form.format == "xlsx":
        notes = notes_of(question.batch.id, manifest, snapshots, counts)
        plain = write_xlsx(masked, manifest.items, form.language, notes)
    else:
        plain = write_csv(masked, manifest.items, form.language, form.encoding)
    return counts, _files(question, counts, plain, snapshots, supplement, rows_open)


def _snapshot_dates(question: Question, supplement: int) -> list[SnapshotDate]:
    asked = dict(question.pins) | (dict(question.later_pins) if supplement else {})
    return [
        SnapshotDate(source=source, zh=SOURCES[source].zh, as_of=as_of) for source, (_, as_of) in sorted(asked.items())
    ]


def _counts(asked: pl.DataFrame, masked: pl.DataFrame) -> Mapping[str, float]:
    """What the gate judges: rows, order, codes, and identity numbers that are still whole."""
    outside = masked.select(pl.sum_horizontal((~pl.col(answer_columns(masked)).is_in(list(ANSWERS))).sum())).item()
    whole = masked.select(pl.sum_horizontal(cs.string().str.contains(ID_NUMBER_ANYWHERE).sum())).item()
    refs = asked.select("row_ref", id_number=pl.lit(""), name=pl.lit(""))
    masked_refs = mask(refs, "hide", "hide")["row_ref"]
    in_order = int((masked["row_ref"] == masked_refs).sum()) if masked.height == asked.height else 0
    return {
        "rows_in": asked.height,
        "rows_out": masked.height,
        "row_refs_in_order": in_order,
        "answers_outside_table": outside,
        "unmasked_numbers": whole,
    }


def _files(
    question: Question,
    counts: Counts,
    plain: bytes,
    snapshots: list[SnapshotDate],
    supplement: int,
    rows_open: int,
) -> list[FileRecord]:
    """Makes and keeps the result's three files."""
    batch, manifest, archive = question.batch, question.manifest, question.office.archive
    stem = f"{batch.id}.result" if supplement == 0 else f"{batch.id}.result-{supplement + 1}"
    envelope = seal(plain, load_certificate(question.agreement.certificates.encryption))
    data_name = f"{stem}.{question.agreement.result.format}"
    record = ResultManifest(
        batch=batch.id,
        partner=batch.partner,
        cycle=manifest.cycle,
        period=manifest.period,
        items=manifest.items,
        supplement=supplement or None,
        rows_in=manifest.rows,
        rows_out=sum(counts["identity"].values()),
        rows_open=rows_open,
        answers=counts,
        snapshots=snapshots,
        due=due_day(batch),
        encrypted=File(name=f"{data_name}.p7m", size=len(envelope), sha256=sha256(envelope)),
        plain=File(name=data_name, size=len(plain), sha256=sha256(plain)),
    )
    content = write(record)
    made = {
        Role.RESULT_DATA: (f"{data_name}.p7m", envelope),
        Role.RESULT_SIGNATURE: (f"{stem}.json{SIGNATURE_SUFFIX}", sign(content, question.office.signing)),
        Role.RESULT: (f"{stem}.json", content),
    }
    return [
        FileRecord(numbered(role, supplement + 1), name, archive.keep(data), len(data))
        for role, (name, data) in made.items()
    ]
