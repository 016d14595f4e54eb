"""For each code of ``schemas/refusals.toml`` a set that is refused by it, with a person planted where the fault is.

Rule: what is wrong holds the person where it can: the field that does not fit is the number or the name itself. Where a
fault leaves no room (a file of no bytes), the set is made all the same.
"""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import openpyxl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.validate import effort, package

NUMBER: Final = "220102198507149216"
NAME: Final = "欧阳彧晟"
PLANTED: Final = (NUMBER, NAME, NUMBER[6:14], NAME.encode("gb18030").decode("latin-1"))
"""What must be found nowhere: the number, the name, the day of birth in the number, and the name read wrongly."""

HEADER: Final = b"row_ref,id_number,name,sex\n"
ROW: Final = f"R1,{NUMBER},{NAME},女\n".encode()


@dataclass(frozen=True)
class Desk:
    """Who makes the sets, and with what."""

    app: App
    court: DemoPartner
    education: DemoPartner
    ask: Callable[..., Request]
    patch: pytest.MonkeyPatch

    def set(self, data: bytes = HEADER + ROW, rows: int = 1, **given: Any) -> dict[str, bytes]:
        return self.court.make_set(self.ask(data, rows, **given))

    def changed(self, files: Mapping[str, bytes], **fields: Any) -> dict[str, bytes]:
        """With fields of the manifest changed, signed anew."""
        name = manifest_name(files)
        content = json.dumps(json.loads(files[name]) | fields, ensure_ascii=False).encode()
        return {**files, **self.court.signed(name.removesuffix(".request.json"), content)}

    def with_data(self, files: Mapping[str, bytes], damage: Callable[[bytes], bytes]) -> dict[str, bytes]:
        """With other bytes as the data file, which the manifest fits."""
        name, content = next((name, damage(content)) for name, content in files.items() if name.endswith(".p7m"))
        facts = {"name": name, "size": len(content), "sha256": sha256(content).hexdigest(), "encrypted": True}
        return self.changed({**files, name: content}, data=facts)


Make = Callable[[Desk], Mapping[str, bytes]]


def manifest_name(files: Mapping[str, bytes]) -> str:
    return next(name for name in files if name.endswith(".request.json"))


def data(content: bytes, rows: int = 1) -> Make:
    """The data file is at fault."""
    return lambda desk: desk.set(content, rows)


def asked(**given: Any) -> Make:
    """A field of the request is at fault; the data is a sound row about the person."""
    return lambda desk: desk.set(**given)


def field(**fields: Any) -> Make:
    """A field of the manifest is at fault as it was signed."""
    return lambda desk: desk.changed(desk.set(encrypted=False), **fields)


def _other_signer(desk: Desk) -> Mapping[str, bytes]:
    files = desk.set()
    name = manifest_name(files)
    return files | desk.education.signed(name.removesuffix(".request.json"), files[name])


def _weak_digest(desk: Desk) -> Mapping[str, bytes]:
    files = desk.set()
    name = manifest_name(files)
    signer = ["-signer", str(desk.court.keys / "sign.pem"), "-inkey", str(desk.court.keys / "sign.key")]
    command = ["openssl", "cms", "-sign", "-binary", "-md", "sha1", "-outform", "DER", *signer]
    weak = subprocess.run(command, input=files[name], capture_output=True, check=True).stdout
    return files | {f"{name}.p7s": weak}


def _in_gb18030(desk: Desk) -> Mapping[str, bytes]:
    files = desk.changed(desk.set(), handler=NAME)
    name = manifest_name(files)
    return files | desk.court.signed(name.removesuffix(".request.json"), files[name].decode().encode("gb18030"))


def _other_data(desk: Desk, **facts: Any) -> Mapping[str, bytes]:
    files = desk.set(encrypted=False)
    fields = json.loads(files[manifest_name(files)])["data"]
    return desk.changed(files, data=fields | facts)


def _used_again(desk: Desk) -> Mapping[str, bytes]:
    request = desk.ask(HEADER + ROW)
    desk.court.drop(desk.court.make_set(request))
    poll(desk.app)
    pipeline.run(desk.app, request.batch)
    return desk.set(HEADER + ROW + ROW, 2, batch=request.batch)


def _old_cipher(desk: Desk) -> Mapping[str, bytes]:
    command = ["openssl", "cms", "-encrypt", "-binary", "-des3", "-outform", "DER", str(desk.court.office_encrypt)]
    weak = subprocess.run(command, input=HEADER + ROW, capture_output=True, check=True).stdout
    return desk.with_data(desk.set(), lambda _: weak)


def _answered(desk: Desk) -> str:
    request = desk.ask(HEADER + ROW)
    desk.court.drop(desk.court.make_set(request))
    poll(desk.app)
    pipeline.run(desk.app, request.batch)
    return request.batch


def _book(desk: Desk, *, merged: bool = False, **facts: Any) -> Mapping[str, bytes]:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in ([NAME], ["row_ref", "id_number", "name", "sex"], ["R1", NUMBER, NAME, "女"])[0 if merged else 1 :]:
        sheet.append(row)
    if merged:
        sheet.merge_cells("A1:D1")
    content = io.BytesIO()
    book.save(content)
    files = desk.set(content.getvalue(), form="xlsx", encrypted=False)
    return desk.changed(files, data=json.loads(files[manifest_name(files)])["data"] | facts)


def _many_parts(desk: Desk) -> Mapping[str, bytes]:
    desk.patch.setattr(package, "MAX_PARTS", 3)
    return _book(desk)


def _no_time(desk: Desk) -> Mapping[str, bytes]:
    desk.patch.setattr(effort, "ALWAYS_ALLOWED", 0.0)
    desk.patch.setattr(effort, "ALLOWED_PER_BYTE", 0.0)
    return desk.set()


SETS: Final[dict[str, Make]] = {
    "manifest_format": field(**{NUMBER: NAME}),
    "manifest_encoding": _in_gb18030,
    "manifest_name": lambda desk: desk.changed(desk.set(), batch=f"{desk.court.id}.{NUMBER}"),
    "manifest_partner": field(partner="p" + NUMBER),
    "signature_invalid": _other_signer,
    "signature_digest": _weak_digest,
    "ask_civil_affairs": asked(items=("sex", "marital_status")),
    "ask_education": asked(items=("education",)),
    "ask_medical_institution": asked(items=("death",), purpose="p" + NUMBER),
    "ask_social_insurance": asked(items=("pension_qualification",), cycle="annual"),
    "ask_registering_department": asked(items=("i" + NUMBER, "same_person")),
    "item_unknown": asked(items=("sex", "i" + NUMBER)),
    "item_not_agreed": asked(items=("unregistered",)),
    "purpose_not_agreed": asked(purpose="p" + NUMBER),
    "legal_basis_not_agreed": asked(legal_basis=NAME),
    "letter_missing": asked(items=("sex", "criminal_record"), letter=None),
    "objection_batch": lambda desk: desk.set(cycle="objection", objects_to=f"{desk.court.id}.{NUMBER}"),
    "objection_item": lambda desk: desk.set(cycle="objection", items=("birth_date",), objects_to=_answered(desk)),
    "cycle_not_agreed": asked(cycle="annual", period="2026"),
    "period_format": asked(period="2026-02-30"),
    "period_ahead": asked(period="2090-01-01"),
    "period_past": asked(period="2001-01-01"),
    "batch_id_reused": _used_again,
    "data_name": lambda desk: _other_data(desk, name=f"{NUMBER}.csv"),
    "data_hash": lambda desk: _other_data(desk, sha256="0" * 64),
    "envelope_cipher": _old_cipher,
    "data_envelope": lambda desk: desk.with_data(desk.set(), lambda _: HEADER + ROW),
    "encoding": data(HEADER + f"R1,{NUMBER},".encode() + b"\xff\xff,1\n"),
    "encoding_unclear": data(HEADER + f"R1,{NUMBER},郑伟,1\n".encode("gb18030")),
    "mixed_encoding": data(HEADER + ROW + f"R2,{NUMBER},{NAME},1\n".encode("gb18030"), 2),
    "nul_byte": data(HEADER + ROW.replace(b"R1", b"R\0")),
    "data_still_sealed": data(b"-----BEGIN CMS-----\n" + ROW),
    "csv_is_workbook": data(b"PK\3\4" + ROW),
    "csv_is_pdf": data(b"%PDF-1.7 " + ROW),
    "line_too_long": data(HEADER + ROW.replace(b"R1", NUMBER.encode() * 4000)),
    "csv_format": data(f'"row_ref"{NAME},"{NUMBER}'.encode() + b"\n" + ROW),
    "csv_separator": data(HEADER.replace(b",", b"|") + ROW.replace(b",", b"|")),
    "workbook_format": lambda desk: desk.set(b"PK\3\4" + ROW, form="xlsx"),
    "workbook_too_large": _many_parts,
    "reading_too_long": _no_time,
    "sheet_missing": lambda desk: _book(desk, sheet=NAME),
    "header_merged": lambda desk: _book(desk, merged=True),
    "column_missing": data(b"row_ref,id_number,name\n" + ROW),
    "column_unknown": data(f"row_ref,id_number,name,sex,{NAME}{NUMBER}\n".encode() + ROW),
    "column_doubled": data(HEADER.replace(b"sex", b"sex,sex") + ROW),
    "data_empty": data(b"", 0),
    "no_rows": data(HEADER),
    "rows_too_many": asked(rows=6_000_000),
    "row_count": asked(rows=2),
    "row_refs_empty": data(HEADER + ROW.replace(b"R1", b"")),
    "rows_unreadable": data(HEADER + ROW.replace(b"R1", b"R1,9") * 30, 30),
}
"""Code → what makes the set."""

NO_SET: Final = {
    "certificate_expired": "told of the office's own file, before anything of the set but its signature is read",
    "agreement_not_in_force": "told of the agreement and the day",
    "data_too_large": "told of two numbers; a set whose file has another size is left alone",
    "data_not_encrypted": "told of one yes or no of the manifest",
    "legal_basis_not_in_force": "told of the office's table and the day",
    "item_not_alone": "told of item codes of the office's table",
    "objection_past": "told of the register's own days",
    "period_doubled": "told of an earlier batch's period, which was read already",
    "not_released": "a leader's word; nothing of the set is read",
}
"""Code → why no set of its own is made: it is told of nothing that a set can fill."""
