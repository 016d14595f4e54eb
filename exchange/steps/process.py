"""Process: from the kept original to the signed and encrypted result, in one go.

Rules
- The versions of the snapshots are pinned in the register at the first try; a re-run uses the same ones.
- Days are counted from the day of receipt, not from today, so that a re-run decides the same.
- Nothing plain is written: rows go from memory into the partner's envelope. The result's files are kept in the
  originals before the register calls the batch sealed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date

import polars as pl

from exchange.agreements import Agreement, ResultForm
from exchange.envelope import load_certificate, seal, sign
from exchange.errors import Halt
from exchange.files import sha256
from exchange.manifest import (
    SIGNATURE_SUFFIX,
    File,
    RequestManifest,
    ResultManifest,
    SnapshotDate,
    parse,
    write,
)
from exchange.masking import ID_NUMBER_ANYWHERE, mask
from exchange.matching.decide import decide
from exchange.matching.identity import Population
from exchange.matching.items import RULES
from exchange.matching.sources import Sources
from exchange.office import Office
from exchange.register import Batch, FileRecord, Role, State
from exchange.results import count_answers, notes_of, write_csv, write_xlsx
from exchange.steps.receipt import due_day
from exchange.steps.request import read_request
from exchange.tables import ANSWERS, SOURCES
from exchange.validate.gate import judge
from exchange.working_days import office_day

log = logging.getLogger(__name__)

POPULATION = "population"
Pins = Mapping[str, tuple[str, date]]
"""Source → (version, as-of date)."""


def process(office: Office, batch_id: str) -> None:
    """From accepted to sealed; nothing to do where the batch is further."""
    batch = office.register.batch(batch_id)
    if batch.state is not State.ACCEPTED:
        return
    agreement = office.agreement(batch.partner)
    manifest = parse(RequestManifest, office.archive.read(batch.manifest_sha256))
    pins = _pin(office, batch, manifest)
    table = read_request(office, manifest)
    answers = _answers(office, batch, agreement, manifest, pins, table)
    masked = mask(answers, agreement.masking.id_number, agreement.masking.name)
    judge("result", _counts(table, masked))
    counts = count_answers(answers, manifest.items)
    plain = _written(batch, agreement.result, manifest, pins, counts, masked)
    files = _seal(office, batch, agreement, manifest, pins, counts, plain)
    office.register.sealed(batch.id, counts, files)
    log.info("%s: %d rows answered and sealed: %s", batch.id, table.height, counts)


def _pin(office: Office, batch: Batch, manifest: RequestManifest) -> Pins:
    """The versions that answer this batch; sources that are missing are not among them."""
    needed = {source for item in manifest.items if item in RULES for source in RULES[item].needs}
    current = {source: office.snapshots.current(source) for source in SOURCES if source in {POPULATION, *needed}}
    if current[POPULATION] is None:
        msg = "no population snapshot is published; build one with `exchange snapshot build`"
        raise Halt(msg)
    versions = {source: (version.name, version.as_of) for source, version in current.items() if version is not None}
    return office.register.pin_snapshots(batch.id, versions)


def _answers(
    office: Office,
    batch: Batch,
    agreement: Agreement,
    manifest: RequestManifest,
    pins: Pins,
    table: pl.DataFrame,
) -> pl.DataFrame:
    today = office_day(batch.received_at)
    versions = {source: office.snapshots.version(source, name) for source, (name, _) in pins.items()}
    people = versions[POPULATION]
    fresh = {
        source: versions[source].open("records")
        for source, (_, as_of) in pins.items()
        if source != POPULATION and (today - as_of).days <= SOURCES[source].max_age_days
    }
    sources = Sources(
        Population(people.open("people"), people.open("former")),
        fresh,
        approved=agreement.approved_in_advance(manifest.cycle, today),
    )
    return decide(table, manifest.items, sources, today)


def _counts(table: pl.DataFrame, masked: pl.DataFrame) -> Mapping[str, float]:
    """What the gate judges: rows, order, codes, and identity numbers that are still whole."""
    codes = [column for column in masked.columns if column == "identity" or column.startswith("answer.")]
    outside = masked.select(pl.sum_horizontal((~pl.col(codes).is_in(list(ANSWERS))).sum())).item()
    whole = masked.select(pl.sum_horizontal(pl.all().str.contains(ID_NUMBER_ANYWHERE).sum())).item()
    masked_refs = mask(table.select("row_ref", "id_number", "name"), "hide", "hide")["row_ref"]
    in_order = int((masked["row_ref"] == masked_refs).sum()) if masked.height == table.height else 0
    return {
        "rows_in": table.height,
        "rows_out": masked.height,
        "row_refs_in_order": in_order,
        "answers_outside_table": outside,
        "unmasked_numbers": whole,
    }


def _written(
    batch: Batch,
    form: ResultForm,
    manifest: RequestManifest,
    pins: Pins,
    counts: dict[str, dict[str, int]],
    masked: pl.DataFrame,
) -> bytes:
    """The plain data file in the form that the agreement names."""
    if form.format == "xlsx":
        notes = notes_of(batch.id, manifest, _snapshot_dates(pins), counts)
        return write_xlsx(masked, manifest.items, form.language, notes)
    return write_csv(masked, manifest.items, form.language, form.encoding)


def _snapshot_dates(pins: Pins) -> list[SnapshotDate]:
    return [
        SnapshotDate(source=source, zh=SOURCES[source].zh, as_of=as_of) for source, (_, as_of) in sorted(pins.items())
    ]


def _seal(
    office: Office,
    batch: Batch,
    agreement: Agreement,
    manifest: RequestManifest,
    pins: Pins,
    counts: dict[str, dict[str, int]],
    plain: bytes,
) -> list[FileRecord]:
    """Makes and keeps the result's three files."""
    envelope = seal(plain, load_certificate(agreement.certificates.encryption))
    data_name = f"{batch.id}.result.{agreement.result.format}"
    rows = sum(counts["identity"].values())
    record = ResultManifest(
        batch=batch.id,
        partner=batch.partner,
        cycle=manifest.cycle,
        period=manifest.period,
        items=manifest.items,
        rows_in=manifest.rows,
        rows_out=rows,
        answers=counts,
        snapshots=_snapshot_dates(pins),
        due=due_day(batch),
        encrypted=File(name=f"{data_name}.p7m", size=len(envelope), sha256=sha256(envelope)),
        plain=File(name=data_name, size=len(plain), sha256=sha256(plain)),
    )
    content = write(record)
    made = {
        Role.RESULT_DATA: (f"{data_name}.p7m", envelope),
        Role.RESULT_SIGNATURE: (f"{batch.id}.result.json{SIGNATURE_SUFFIX}", sign(content, office.signing)),
        Role.RESULT: (f"{batch.id}.result.json", content),
    }
    return [FileRecord(role, name, office.archive.keep(data), len(data)) for role, (name, data) in made.items()]
