"""Sets that cannot be trusted or read are refused whole: a signed receipt says why, and the original is kept."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any

import openpyxl
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt
from exchange.base.files import Archive
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.register import State

Ask = Callable[..., Request]
SETTLED = timedelta(minutes=2)
"""After this a batch's own run has surely ended."""

HEADER = b"row_ref,id_number,name,sex\n"
ROW = b"R1,11010519491231002X,\xe5\xbc\xa0,1\n"


def refusal(app: App, partner: DemoPartner, files: dict[str, bytes]) -> dict[str, Any]:
    """Drops the set, runs it, and gives the refusal of its receipt; holds that the originals are kept and nothing
    is left.
    """
    waited = set(app.register.waiting())
    partner.drop(files)
    batch = next(name for name in files if name.endswith(".request.json")).removesuffix(".request.json")
    (waiting,) = set(poll(app).waiting) - waited
    assert not pipeline.run(app, waiting)
    assert app.register.batch(waiting).state is State.REFUSED
    stem = batch if waiting == batch else f"{batch}.{waiting.rpartition('.')[2]}"
    receipt = partner.verified(f"{stem}.receipt.json")
    assert receipt["outcome"] == "refused"
    assert "due" not in receipt
    assert f"{batch}.result.json" not in partner.answers()
    left = [path for path in (partner.server.home / "to-office").iterdir() if path.name.startswith(batch)]
    assert {path.suffix for path in left} <= {".ods"}, "a file whose name is never read stays, and a notice says so"
    for file in receipt["files"]:
        assert Archive(app.archive.folder).read(file["sha256"]) == files[file["name"]]
    found: dict[str, Any] = receipt["refusal"]
    assert found["zh"]
    assert found["en"]
    return found


@pytest.mark.parametrize(
    ("data", "rows", "code", "column"),
    [
        (b"", 0, "data_empty", None),
        (b",,,\r\n\r\n", 1, "data_empty", None),
        (HEADER, 0, "no_rows", None),
        (HEADER + b"\n\n", 1, "no_rows", None),
        (b"row_ref,id_number,name\n" + ROW, 1, "column_missing", "sex"),
        (b"row_ref,id_number,name,sex,ethnicity\n" + ROW, 1, "column_unknown", "#5"),
        (b"row_ref,id_number,name,sex,sex\n" + ROW, 1, "column_doubled", "sex"),
        (b"row_ref,id_number,name,\xe6\x80\xa7\xe5\x88\xab,sex\n" + ROW, 1, "column_doubled", "sex"),
        (HEADER + ROW, 2, "row_count", "rows"),
        (HEADER + ROW + ROW, 1, "row_count", "rows"),
        (HEADER + ROW + "R2,1,张,1\n".encode("gb18030"), 2, "mixed_encoding", None),
        (HEADER + b"R1,1,\xff\xff,1\n", 1, "encoding", None),
        (HEADER + b"R1,1,a\x00b,1\n", 1, "nul_byte", None),
        (HEADER + b"R1," + b"9" * 70_000 + b",a,1\n", 1, "line_too_long", None),
        (HEADER + b"".join(b"R%d,1,2,1\n" % n for n in range(30)), 30, "rows_unreadable", None),
    ],
)
def test_data_files_that_cannot_be_read(
    app: App, court: DemoPartner, ask: Ask, data: bytes, rows: int, code: str, column: str | None
) -> None:
    found = refusal(app, court, court.make_set(ask(data, rows)))
    assert (found["code"], found.get("column")) == (code, column)


def test_a_file_of_no_bytes(app: App, court: DemoPartner, ask: Ask) -> None:
    """The manifest says so, too: it is the data file that is said to be empty, not the field that is wrong."""
    assert refusal(app, court, court.make_set(ask(b"", 0, encrypted=False)))["code"] == "data_empty"


def test_a_single_line_of_200_megabytes(app: App, court: DemoPartner, ask: Ask) -> None:
    request = ask(HEADER + b"R1," + b"9" * 200_000_000, 1, encrypted=False)
    assert refusal(app, court, court.make_set(request))["code"] == "line_too_long"


@pytest.mark.parametrize(
    ("given", "code", "column"),
    [
        ({"cycle": "weekly"}, "cycle_not_agreed", "cycle"),
        ({"cycle": "annual", "period": "2026"}, "cycle_not_agreed", "cycle"),
        ({"period": "2026-11"}, "period_format", "period"),
        ({"period": "2026-02-30"}, "period_format", "period"),
        ({"purpose": "curiosity"}, "purpose_not_agreed", "purpose"),
        ({"legal_basis": "因为想知道"}, "legal_basis_not_agreed", "legal_basis"),
        ({"items": ("sex", "shoe_size")}, "item_unknown", "items.1"),
        ({"items": ("sex", "criminal_record"), "letter": None}, "letter_missing", "letter"),
        ({"items": ("sex", "marital_status")}, "ask_civil_affairs", "items.1"),
        ({"items": ("education",)}, "ask_education", "items.0"),
        ({"items": ("death",), "purpose": "curiosity"}, "ask_medical_institution", "items.0"),
        ({"items": ("pension_qualification",), "cycle": "annual"}, "ask_social_insurance", "items.0"),
        ({"items": ("shoe_size", "same_person")}, "ask_registering_department", "items.1"),
        ({"items": ("unregistered",)}, "item_not_agreed", "items.0"),
        ({"items": ("sex", "sex")}, "manifest_format", "items.1"),
        ({"items": ()}, "manifest_format", "items"),
        ({"rows": 6_000_000}, "rows_too_many", "rows"),
    ],
)
def test_requests_that_no_agreement_holds(
    app: App, court: DemoPartner, ask: Ask, given: dict[str, Any], code: str, column: str
) -> None:
    found = refusal(app, court, court.make_set(ask(HEADER + ROW, **given)))
    assert (found["code"], found.get("column")) == (code, column)


def test_an_item_that_this_purpose_does_not_hold(app: App, education: DemoPartner) -> None:
    data = b"row_ref,id_number,name\nR1,1,1\n"
    request = Request(
        f"{education.id}.item", "quarterly", "2026-Q4", "enrolment", "义务教育法第十二条", ["criminal_record"], 1, data
    )
    assert refusal(app, education, education.make_set(request))["code"] == "item_not_agreed"


def changed(partner: DemoPartner, files: dict[str, bytes], /, **fields: object) -> dict[str, bytes]:
    """The set with fields of its manifest changed, and signed anew."""
    name = next(name for name in files if name.endswith(".request.json"))
    content = json.loads(files[name]) | fields
    batch = name.removesuffix(".request.json")
    return files | partner.signed(batch, json.dumps(content, ensure_ascii=False).encode())


@pytest.mark.parametrize(
    ("fields", "code", "column"),
    [
        ({"partner": "education-jilin"}, "manifest_partner", "partner"),
        ({"batch": "court-changchun.other"}, "manifest_name", "batch"),
        ({"batch": "education-jilin.mine"}, "manifest_name", "batch"),
        ({"rows": "1"}, "manifest_format", "rows"),
        ({"surprise": 1}, "manifest_format", "surprise"),
        ({"11010519491231002X": 1}, "manifest_format", "#unknown"),
        ({"handler": "x" * 500}, "manifest_format", "handler"),
        ({"handler": "a\0b"}, "manifest_format", "handler"),
        ({"letter": "\x1b[2J"}, "manifest_format", "letter"),
        ({"data": {"name": "../../etc/passwd", "size": 5, "sha256": "0" * 64}}, "data_name", "data.name"),
        ({"data": {"name": "x.csv", "size": 1 << 39, "sha256": "0" * 64}}, "data_name", "data.name"),
    ],
)
def test_manifests_that_do_not_fit(
    app: App, court: DemoPartner, ask: Ask, fields: dict[str, Any], code: str, column: str | None
) -> None:
    files = changed(court, court.make_set(ask(encrypted=False)), **fields)
    found = refusal(app, court, files)
    assert (found["code"], found.get("column")) == (code, column)


def test_a_manifest_that_is_no_manifest(app: App, court: DemoPartner) -> None:
    files = court.signed(f"{court.id}.list", b"[1, 2, 3]")
    found = refusal(app, court, files)
    assert (found["code"], found["column"]) == ("manifest_format", "format")


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_manifest_in_another_encoding_is_told_at_once_to_be_utf8(
    app: App, court: DemoPartner, ask: Ask, encoding: str
) -> None:
    request = ask()
    content = court.make_set(request)[f"{request.batch}.request.json"].decode().encode(encoding)
    found = refusal(app, court, court.signed(request.batch, content))
    assert found["code"] == "manifest_encoding"
    assert "UTF-8" in found["zh"]


def test_a_digest_that_is_too_weak(app: App, court: DemoPartner, ask: Ask) -> None:
    request = ask()
    files = court.make_set(request)
    name = f"{request.batch}.request.json"
    signer = ["-signer", str(court.keys / "sign.pem"), "-inkey", str(court.keys / "sign.key")]
    weak = subprocess.run(
        ["openssl", "cms", "-sign", "-binary", "-md", "sha1", "-outform", "DER", *signer],
        input=files[name],
        capture_output=True,
        check=True,
    ).stdout
    assert refusal(app, court, files | {f"{name}.p7s": weak})["code"] == "signature_digest"


def test_our_own_damaged_certificate_is_no_refusal(app: App, court: DemoPartner, ask: Ask) -> None:
    """The set waits until the certificate is put right; its id is not used up."""
    request = ask()
    court.drop(court.make_set(request))
    poll(app)
    pinned = app.agreement(court.id).certificates.signing
    sound = pinned.read_bytes()
    pinned.write_bytes(altered(sound))
    try:
        with pytest.raises(Halt, match="damaged"):
            pipeline.run(app, request.batch)
    finally:
        pinned.write_bytes(sound)
    assert pipeline.run(app, request.batch)


def altered(certificate: bytes) -> bytes:
    """PEM, with one bit of the key changed."""
    der = bytearray(x509.load_pem_x509_certificate(certificate).public_bytes(Encoding.DER))
    der[len(der) // 2] ^= 1
    return x509.load_der_x509_certificate(bytes(der)).public_bytes(Encoding.PEM)


def test_a_signature_of_another_partner(app: App, court: DemoPartner, education: DemoPartner, ask: Ask) -> None:
    request = ask()
    files = court.make_set(request)
    manifest = files[f"{request.batch}.request.json"]
    assert refusal(app, court, files | education.signed(request.batch, manifest))["code"] == "signature_invalid"


def test_a_manifest_changed_after_signing(app: App, court: DemoPartner, ask: Ask) -> None:
    request = ask()
    files = court.make_set(request)
    name = f"{request.batch}.request.json"
    files[name] = files[name].replace(b'"rows": 1', b'"rows": 2')
    assert refusal(app, court, files)["code"] == "signature_invalid"


def test_an_envelope_for_somebody_else(app: App, court: DemoPartner, education: DemoPartner, ask: Ask) -> None:
    wrong = DemoPartner(court.id, court.keys, court.server, court.office_sign, education.keys / "encrypt.pem")
    assert refusal(app, court, wrong.make_set(ask()))["code"] == "data_envelope"


@pytest.mark.parametrize("damage", [lambda data: data[:-64], lambda data: data[: len(data) // 2], lambda _: b"no CMS"])
def test_an_envelope_that_is_damaged_though_the_manifest_fits(
    app: App, court: DemoPartner, ask: Ask, damage: Callable[[bytes], bytes]
) -> None:
    request = ask()
    files = court.make_set(request)
    name = f"{request.batch}.csv.p7m"
    files[name] = damage(files[name])
    facts = {"name": name, "size": len(files[name]), "sha256": sha256(files[name]).hexdigest(), "encrypted": True}
    assert refusal(app, court, changed(court, files, data=facts))["code"] == "data_envelope"


def test_a_batch_id_with_other_bytes(app: App, court: DemoPartner, ask: Ask) -> None:
    request = ask()
    court.drop(court.make_set(request))
    poll(app)
    assert pipeline.run(app, request.batch)
    first = court.fetch(f"{request.batch}.receipt.json").read_bytes()
    again = court.make_set(ask(HEADER + ROW, batch=request.batch))
    court.drop(again)
    (conflict,) = [each for each in poll(app).waiting if each.startswith(request.batch)]
    assert not pipeline.run(app, conflict)
    receipt = court.verified(f"{conflict}.receipt.json")
    assert receipt["refusal"]["code"] == "batch_id_reused"
    assert court.fetch(f"{request.batch}.receipt.json").read_bytes() == first
    assert app.register.batch(request.batch).state is State.CLOSED


@pytest.mark.parametrize("behind", [SETTLED, timedelta(days=-1)], ids=["later", "by a clock that was put back"])
def test_the_same_set_again_gets_the_same_receipt(
    app: App, later: Callable[[timedelta], App], court: DemoPartner, ask: Ask, behind: timedelta
) -> None:
    request = ask()
    files = court.make_set(request)
    court.drop(files)
    poll(app)
    pipeline.run(app, request.batch)
    receipt = court.fetch(f"{request.batch}.receipt.json").read_bytes()
    (court.server.home / "from-office" / f"{request.batch}.receipt.json").unlink()
    manifest = files[f"{request.batch}.request.json"]
    court.drop(files | court.signed(request.batch, manifest))  # signed anew: the signature's bytes differ
    assert request.batch not in poll(later(behind)).waiting
    assert court.fetch(f"{request.batch}.receipt.json").read_bytes() == receipt
    assert list((court.server.home / "to-office").iterdir()) == []


@pytest.mark.parametrize(
    ("form", "facts", "code", "column"),
    [
        ("csv", {"sheet": "Sheet1"}, "manifest_format", "data.sheet"),
        ("xlsx", {"sheet": "x" * 32}, "manifest_format", "data.sheet"),
        ("xlsx", {"encoding": "utf-8"}, "manifest_format", "data.encoding"),
        ("xlsx", {"sheet": "第二批"}, "sheet_missing", "data.sheet"),
        ("xlsx", {}, "header_merged", None),
        ("ods", {}, "data_name", "data.name"),
    ],
)
def test_workbooks_and_what_is_said_of_them(
    app: App, court: DemoPartner, ask: Ask, form: str, facts: dict[str, str], code: str, column: str | None
) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["核查名单"])
    sheet.merge_cells("A1:D1")
    sheet.append(["row_ref", "id_number", "name", "sex"])
    content = io.BytesIO()
    book.save(content)
    files = court.make_set(ask(content.getvalue(), form=form, encrypted=False))
    manifest = json.loads(next(content for name, content in files.items() if name.endswith(".request.json")))
    found = refusal(app, court, changed(court, files, data=manifest["data"] | facts))
    assert (found["code"], found.get("column")) == (code, column)
