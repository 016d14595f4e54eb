"""What an opened data file is by its first bytes, where it is clearly no list, so that the partner is told that.

Rules: only what such a file must begin with counts, and no CSV file begins so; nothing of the file is opened for it.
Sources: RFC 5652 and 7468 (CMS, PEM), RFC 8551 (S/MIME), APPNOTE.TXT (ZIP), MS-CFB (old workbooks and those with a
password), RFC 1952 (gzip), ISO 32000 (PDF).
"""

from __future__ import annotations

import re
from typing import Final

from exchange.base.errors import Refused

_SEALED: Final = re.compile(
    rb"-----BEGIN |MIME-Version:|\x30(?:\x80|[\x81-\x84].{1,4}?|.)\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07", re.DOTALL
)
"""PEM, S/MIME, and DER with the first words of the object identifiers of CMS."""

_WORKBOOK: Final = re.compile(
    rb"PK\x03\x04|\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1|\x1f\x8b\x08|7z\xbc\xaf\x27\x1c|Rar!\x1a\x07|\{\\rtf|ID;PWXL"
    rb"|(?:\xef\xbb\xbf)?\s{0,8}<(?:\?xml|!doctype|html|head|meta|style|body|table)[\s>]",
    re.IGNORECASE,
)
"""Workbooks, archives, and the tables in HTML, XML, RTF and SYLK that programs save or let be opened as workbooks."""

_PDF: Final = re.compile(rb"%PDF-")


def check_not_sealed(content: bytes) -> None:
    """Refused where what was opened is itself signed or encrypted."""
    if _SEALED.match(content):
        raise Refused("data_still_sealed")


def check_is_no_document(content: bytes) -> None:
    """Refused where a file that should be CSV is encrypted, a workbook or a PDF."""
    check_not_sealed(content)
    if _WORKBOOK.match(content):
        raise Refused("csv_is_workbook")
    if _PDF.match(content):
        raise Refused("csv_is_pdf")
