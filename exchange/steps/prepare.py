"""A result's files: masked, judged, written, signed, encrypted, kept.

Rules
- A test's result says so in its manifest, in each row and on a workbook's second sheet.
- Nothing plain is written: rows go from memory into the partner's envelope, part by part (ADR 19). How they were parted
  cannot be seen in the file, nor whether they were: its lengths are put in at the end, and each envelope is DER.
- The partner is told no more than ``steps/disclosure.py`` lets it know; the register counts the answers as they stand.
- The gate judges all rows before the envelope is whole; what does not pass is thrown away with its temporary file.
- The files are kept in the archive before the register hears of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from secrets import token_hex

import polars as pl

from exchange.base.files import sha256_of, written_atomically
from exchange.base.tables import ANSWERS, SOURCES, TEST_NOTE
from exchange.base.timing import in_stage, stage
from exchange.matching.decide import FOR_THE_OFFICE, NOTE
from exchange.output.masking import mask, masked_reference, whole_numbers
from exchange.output.results import ECHOED, add_counts, count_answers, notes_of, write_csv, write_xlsx
from exchange.register import FileRecord, Role, numbered
from exchange.steps.answers import BatchContext, Part
from exchange.steps.bases import named
from exchange.steps.disclosure import as_disclosed
from exchange.steps.receipt import due_day
from exchange.validate.gate import judge
from exchange.wire.certificates import recipient
from exchange.wire.definite import make_definite
from exchange.wire.envelope import encrypt, encrypt_into, sign
from exchange.wire.manifest import ENVELOPE_SUFFIX, SIGNATURE_SUFFIX, File, ResultManifest, SnapshotDate, write

Counts = dict[str, dict[str, int]]


@dataclass(frozen=True)
class EncryptedData:
    """A result's data file in the archive. ``counts``: item → answer → rows, as the answers stand; ``disclosed``: the
    same as the partner is told them; ``plain``: the file as the partner decrypts it; ``encrypted``: as it is kept.
    """

    counts: Counts
    disclosed: Counts
    plain: File
    encrypted: File
    snapshots: list[SnapshotDate]


def encrypt_data(context: BatchContext, parts: Iterable[Part], *, supplement: int) -> EncryptedData:
    """Makes a result's data file of these parts, and keeps it in the archive. ``supplement``: 0 for the first result,
    then 1, 2… Halt where the gate lets the rows not pass: then nothing is kept.
    """
    writing = _Writing(context, _snapshot_dates(context, supplement))
    pieces = in_stage("write", writing.pieces(parts))
    name = f"{_stem(context, supplement)}.{context.agreement.result.format}"
    digest, size = _keep_encrypted(context, pieces, supplement)
    return EncryptedData(
        counts=writing.counts,
        disclosed=writing.disclosed,
        plain=File(name=name, size=writing.size, sha256=writing.digest.hexdigest()),
        encrypted=File(name=name + ENVELOPE_SUFFIX, size=size, sha256=digest),
        snapshots=writing.snapshots,
    )


@dataclass
class _Writing:
    """Writes the plain file part by part; afterwards it has its counts, hash and size."""

    context: BatchContext
    snapshots: list[SnapshotDate]
    counts: Counts = field(default_factory=dict)
    disclosed: Counts = field(default_factory=dict)
    judged: dict[str, int] = field(default_factory=dict)
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    size: int = 0

    def pieces(self, parts: Iterable[Part]) -> Iterator[bytes]:
        """The file's bytes. The gate judges all rows before the iteration ends."""
        form = self.context.agreement.result
        for piece in self._as_workbook(parts) if form.format == "xlsx" else self._as_csv(parts):
            self.digest.update(piece)
            self.size += len(piece)
            yield piece

    def _as_csv(self, parts: Iterable[Part]) -> Iterator[bytes]:
        items, form = self.context.manifest.items, self.context.agreement.result
        for position, masked in enumerate(self._masked(parts)):
            yield write_csv(masked, items, form.language, form.encoding, header=position == 0)

    def _as_workbook(self, parts: Iterable[Part]) -> Iterator[bytes]:
        """As :meth:`_as_csv`, in one piece."""
        manifest, form = self.context.manifest, self.context.agreement.result
        masked = pl.concat(self._masked(parts))
        batch = self.context.batch
        notes = notes_of(batch.id, manifest, self.snapshots, self.disclosed, test=batch.is_test)
        yield write_xlsx(masked, manifest.items, form.language, notes)

    def _masked(self, parts: Iterable[Part]) -> Iterator[pl.DataFrame]:
        masking, waits_for = self.context.agreement.masking, self.context.waits_for
        for asked, answers in parts:
            with stage("mask"):
                told = as_disclosed(answers, waits_for)
                masked = mask(told.drop(FOR_THE_OFFICE), masking.id_number, masking.name)
                if self.context.batch.is_test:
                    masked = masked.with_columns(_marked(pl.col(NOTE)))
            with stage("count"):
                counts = count_answers(masked, self.context.manifest.items)
                add_counts(self.disclosed, counts)
                as_they_stand = counts if told is answers else count_answers(answers, self.context.manifest.items)
                add_counts(self.counts, as_they_stand)
                for name, count in _judged(asked, masked, counts).items():
                    self.judged[name] = self.judged.get(name, 0) + count
            yield masked
        with stage("gate"):
            judge("result", self.judged)


def _marked(note: pl.Expr) -> pl.Expr:
    """The notes of a row, with the note in front that it is a test's."""
    return pl.when(note == "").then(pl.lit(TEST_NOTE)).otherwise(pl.lit(f"{TEST_NOTE};") + note).alias(NOTE)


def _judged(asked: pl.DataFrame, masked: pl.DataFrame, counts: Counts) -> Mapping[str, int]:
    """What the gate judges: rows, order, codes, and identity numbers that are still whole."""
    codes = pl.concat([masked[NOTE].unique(), *[pl.Series(list(tally), dtype=pl.String) for tally in counts.values()]])
    whole = sum(whole_numbers(masked[column]) for column in ECHOED)
    refs = asked.select(masked_reference(pl.col("row_ref"))).to_series()
    return {
        "rows_in": asked.height,
        "rows_out": masked.height,
        "row_refs_in_order": int((masked["row_ref"] == refs).sum()) if masked.height == asked.height else 0,
        "answers_outside_table": sum(
            count for tally in counts.values() for code, count in tally.items() if code not in ANSWERS
        ),
        "unmasked_numbers": whole + whole_numbers(codes),
    }


def _snapshot_dates(context: BatchContext, supplement: int) -> list[SnapshotDate]:
    asked = dict(context.pins) | (dict(context.later_pins) if supplement else {})
    return [
        SnapshotDate(source=source, zh=SOURCES[source].zh, as_of=as_of) for source, (_, as_of) in sorted(asked.items())
    ]


def _stem(context: BatchContext, supplement: int) -> str:
    return f"{context.batch.id}.result" if supplement == 0 else f"{context.batch.id}.result-{supplement + 1}"


def _keep_encrypted(context: BatchContext, pieces: Iterator[bytes], supplement: int) -> tuple[str, int]:
    """Encrypts these pieces to the partner and keeps the envelope in the archive; its SHA-256 and size. One piece is
    encrypted in memory, several as they come.
    """
    app = context.app
    to = recipient(context.agreement.certificates.encryption, app.now())
    first, second = next(pieces), next(pieces, None)
    if second is None:
        with stage("encrypt"):
            envelope = encrypt(first, to)
        with stage("keep"):
            return app.archive.keep(envelope), len(envelope)
    # A name of its own for each try: one that was given up for dead on another machine may still be writing.
    name = f"{context.batch.manifest_sha256}-{supplement}.{token_hex(4)}"
    outgoing = app.settings.home / "outgoing" / name
    with stage("encrypt"), written_atomically(outgoing) as file:
        encrypt_into(file, chain((first, second), pieces), to)
        make_definite(file)
    with stage("hash"):
        digest, size = sha256_of(outgoing), outgoing.stat().st_size
    with stage("keep"):
        app.archive.keep_file(outgoing, digest)
    return digest, size


def sign_result(context: BatchContext, data: EncryptedData, *, supplement: int, rows_open: int) -> list[FileRecord]:
    """Makes and keeps the result's manifest and its signature; the records of these and of the data file.
    ``rows_open``: rows still to be answered after this result.
    """
    batch, manifest, archive = context.batch, context.manifest, context.app.archive
    stem = _stem(context, supplement)
    record = ResultManifest(
        stage="test" if batch.is_test else None,
        batch=batch.id,
        partner=batch.partner,
        cycle=manifest.cycle,
        period=manifest.period,
        items=manifest.items,
        legal_bases=named(context.agreement, manifest.purpose),
        supplement=supplement or None,
        corrects=manifest.objects_to,
        rows_in=manifest.rows,
        rows_out=sum(data.disclosed["identity"].values()),
        rows_open=rows_open,
        answers=data.disclosed,
        snapshots=data.snapshots,
        due=due_day(batch),
        encrypted=data.encrypted,
        plain=data.plain,
        register_=context.app.checkpoint(),
    )
    content = write(record)
    made = {
        Role.RESULT_SIGNATURE: (f"{stem}.json{SIGNATURE_SUFFIX}", sign(content, context.app.signing)),
        Role.RESULT: (f"{stem}.json", content),
    }
    kept = FileRecord(
        numbered(Role.RESULT_DATA, supplement + 1), *(getattr(data.encrypted, of) for of in ("name", "sha256", "size"))
    )
    return [
        kept,
        *[
            FileRecord(numbered(role, supplement + 1), name, archive.keep(data), len(data))
            for role, (name, data) in made.items()
        ],
    ]
