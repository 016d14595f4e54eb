"""Whether a request may be answered at all: who signed it, and whether the agreement allows what it asks.

Rules: the signature comes first, by the certificate that the agreement pins, before a field of the manifest is
believed; then every field against the agreement. The first thing wrong refuses the set whole. What counts of agreement
and certificate is whether they held when the set came. Pure but for the call of ``openssl``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from exchange.agreements.agreement import Agreement
from exchange.agreements.sections import LETTER_ITEMS, Purpose
from exchange.base.errors import Refused
from exchange.base.tables import ELSEWHERE, ITEMS
from exchange.calendar.deadlines import OBJECTION, WORKING_DAYS
from exchange.calendar.periods import read_period
from exchange.calendar.working_days import office_day
from exchange.validate.cells import has_text
from exchange.wire.envelope import verify
from exchange.wire.manifest import DATA_FORMS, ENVELOPE_SUFFIX, RequestManifest, parse

_OTHER_FORMS_FIELDS: Final[Mapping[str, str]] = {"csv": "sheet", "xlsx": "encoding"}
"""Form of the data file → the manifest's field that may not be set for it."""


def trusted_manifest(
    agreement: Agreement, content: bytes, signature: bytes, name: str, now: datetime
) -> RequestManifest:
    """The manifest in these bytes, once its signature and every field hold; Refused with the first thing that does not.

    ``name`` is the manifest's file name without its ending, which must be the batch id; ``now``: when the set came.
    """
    verify(content, signature, agreement.certificates.signing, now)
    return agreed_manifest(agreement, content, name, now)


def agreed_manifest(agreement: Agreement, content: bytes, name: str, now: datetime) -> RequestManifest:
    """As :func:`trusted_manifest`, for a manifest whose signature is checked elsewhere."""
    manifest = parse(RequestManifest, content)
    if manifest.partner != agreement.partner:
        raise Refused("manifest_partner", column="partner")
    if manifest.batch != name or not manifest.batch.startswith(f"{agreement.partner}."):
        raise Refused("manifest_name", column="batch")
    _check_texts(manifest)
    _check_elsewhere(manifest)
    _check_data(manifest)
    if agreement.require_encryption and not manifest.data.encrypted:
        raise Refused("data_not_encrypted", column="data.encrypted")
    if manifest.data.size > agreement.limits.max_bytes:
        raise Refused("data_too_large", column="data.size")
    if not agreement.in_force(office_day(now)):
        raise Refused("agreement_not_in_force")
    _check_cycle(agreement, manifest)
    _check_items(_purpose(agreement, manifest), manifest)
    if manifest.rows > agreement.limits.max_rows:
        raise Refused("rows_too_many", column="rows")
    return manifest


def _is_named_after_batch(manifest: RequestManifest) -> bool:
    """Whether the data file's name is the batch id with the ending of its form and encryption."""
    data = manifest.data
    ending = f".{data.form}" + (ENVELOPE_SUFFIX if data.encrypted else "")
    return data.form in DATA_FORMS and data.name == manifest.batch + ending


def _check_data(manifest: RequestManifest) -> None:
    if not _is_named_after_batch(manifest):
        raise Refused("data_name", column="data.name")
    field = _OTHER_FORMS_FIELDS[manifest.data.form]
    if getattr(manifest.data, field) is not None:
        raise Refused("manifest_format", column=f"data.{field}")


def is_fetched(manifest: RequestManifest, agreement: Agreement) -> bool:
    """Whether the data file may be fetched before the manifest is trusted: named after the batch, and not too large."""
    return _is_named_after_batch(manifest) and manifest.data.size <= agreement.limits.max_bytes


def _check_cycle(agreement: Agreement, manifest: RequestManifest) -> None:
    if (manifest.cycle == OBJECTION) != (manifest.objects_to is not None):
        raise Refused("manifest_format", column="objects_to")
    if manifest.cycle not in (*agreement.cycles, OBJECTION) or manifest.cycle not in WORKING_DAYS:
        raise Refused("cycle_not_agreed", column="cycle")
    if read_period(manifest.cycle, manifest.period) is None:
        raise Refused("period_format", column="period")


def _purpose(agreement: Agreement, manifest: RequestManifest) -> Purpose:
    purpose = agreement.purpose(manifest.purpose)
    if purpose is None:
        raise Refused("purpose_not_agreed", column="purpose")
    if manifest.legal_basis != purpose.cited:
        raise Refused("legal_basis_not_agreed", column="legal_basis")
    return purpose


def _check_texts(manifest: RequestManifest) -> None:
    """Refused where a letter or a handler is named in which nothing can be seen: it names nothing and nobody."""
    for field in ("letter", "handler"):
        if (stated := getattr(manifest, field)) is not None and not has_text(stated):
            raise Refused("manifest_format", column=field)


def _check_elsewhere(manifest: RequestManifest) -> None:
    """Refused for an item that another authority answers; the refusal says which, whatever the agreement says."""
    for position, item in enumerate(manifest.items):
        if item in ELSEWHERE:
            raise Refused(ELSEWHERE[item].refusal, column=f"items.{position}")


def _check_items(purpose: Purpose, manifest: RequestManifest) -> None:
    for position, item in enumerate(manifest.items):
        if item not in ITEMS:
            raise Refused("item_unknown", column=f"items.{position}")
        if item not in purpose.items:
            raise Refused("item_not_agreed", column=f"items.{position}")
        if item in manifest.items[:position]:
            raise Refused("manifest_format", column=f"items.{position}")
        if ITEMS[item].forms and len(manifest.items) > 1:
            raise Refused("item_not_alone", column=f"items.{position}")
    if LETTER_ITEMS & set(manifest.items) and not manifest.letter:
        raise Refused("letter_missing", column="letter")
