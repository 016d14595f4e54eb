"""Lists as a clerk writes them in LibreOffice Calc, as flat ODS; the real program saves them as XLSX and CSV."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

import pytest

SECONDS: Final = 180
CSV: Final = "csv:Text - txt - csv (StarCalc):44,34,{charset},1,,0,false,true"
FILTERS: Final = {"xlsx": "xlsx", "utf-8": CSV.format(charset=76), "gb18030": CSV.format(charset=85)}
"""How it is saved: 76 and 85 are its numbers of these encodings."""

_NAMES: Final = {
    "office": "office:1.0", "style": "style:1.0", "text": "text:1.0", "table": "table:1.0", "number": "datastyle:1.0",
}  # fmt: skip
_SPACES: Final = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}"' for prefix, name in _NAMES.items()
)
_DATE: Final = (
    '<number:date-style style:name="N1"><number:year number:style="long"/><number:text>年</number:text><number:month/>'
    "<number:text>月</number:text><number:day/><number:text>日</number:text></number:date-style>"
)
_SCIENTIFIC: Final = (
    '<number:number-style style:name="N2"><number:scientific-number number:decimal-places="5" '
    'number:min-integer-digits="1" number:min-exponent-digits="2"/></number:number-style>'
)
_STYLES: Final = (
    f"{_DATE}{_SCIENTIFIC}"
    '<style:style style:name="date" style:family="table-cell" style:data-style-name="N1"/>'
    '<style:style style:name="scientific" style:family="table-cell" style:data-style-name="N2"/>'
    '<style:style style:name="hidden" style:family="table"><style:table-properties table:display="false"/>'
    "</style:style>"
)


@dataclass(frozen=True)
class Wide:
    """A cell over several columns or rows."""

    text: str
    columns: int = 1
    rows: int = 1


Cell = str | float | date | Wide | None


@dataclass(frozen=True)
class Sheet:
    """Rows of cells; ``hides``: rows (by place) and columns that are not shown, or the whole sheet."""

    name: str
    rows: Sequence[Sequence[Cell]]
    hidden_rows: Mapping[int, str] | None = None
    hidden_column: int | None = None
    hidden: bool = False


def saved(folder: Path, books: Mapping[str, Sequence[Sheet]]) -> dict[tuple[str, str], bytes]:
    """(book, how it is saved) → the file; skips where the program is not installed."""
    if shutil.which("soffice") is None:
        pytest.skip("soffice is not installed: apt-get install libreoffice-calc")
    places = []
    for name, sheets in books.items():
        places.append(folder / f"{name}.fods")
        places[-1].write_text(flat(sheets), encoding="utf-8")
    found = {}
    for how, filtered in FILTERS.items():
        profile = f"-env:UserInstallation=file://{folder}/profile"
        form = ["--headless", "--convert-to", filtered, "--outdir", str(folder / how)]
        command = ["soffice", profile, *form, *map(str, places)]
        subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)
        for path in (folder / how).iterdir():
            found[path.stem, how] = path.read_bytes()
    return found


def flat(sheets: Sequence[Sheet]) -> str:
    body = "".join(_sheet(each) for each in sheets)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document {_SPACES} office:version="1.2" '
        'office:mimetype="application/vnd.oasis.opendocument.spreadsheet">'
        f"<office:automatic-styles>{_STYLES}</office:automatic-styles>"
        f"<office:body><office:spreadsheet>{body}</office:spreadsheet></office:body></office:document>"
    )


def _sheet(sheet: Sheet) -> str:
    width = max((len(row) for row in sheet.rows), default=1)
    columns = "".join(
        f"<table:table-column{_hidden('collapse' if at == sheet.hidden_column else None)}/>" for at in range(width)
    )
    rows = "".join(
        f"<table:table-row{_hidden((sheet.hidden_rows or {}).get(at))}>{''.join(map(_cell, row))}</table:table-row>"
        for at, row in enumerate(sheet.rows)
    )
    style = ' table:style-name="hidden"' if sheet.hidden else ""
    return f'<table:table table:name="{sheet.name}"{style}>{columns}{rows}</table:table>'


def _hidden(how: str | None) -> str:
    return f' table:visibility="{how}"' if how else ""


def _cell(cell: Cell) -> str:
    match cell:
        case None:
            return "<table:table-cell/>"
        case Wide(text, columns, rows):
            spanned = f'table:number-columns-spanned="{columns}" table:number-rows-spanned="{rows}"'
            return f"{_text(text, spanned)}{'<table:covered-table-cell/>' * (columns - 1)}"
        case date():  # a moment, too
            return _value("date", "date", f'office:date-value="{cell.isoformat()}"')
        case str():
            return _text(cell)
    return _value("scientific" if abs(cell) >= 10**17 else "Default", "float", f'office:value="{cell}"')


def _value(style: str, kind: str, value: str) -> str:
    return f'<table:table-cell table:style-name="{style}" office:value-type="{kind}" {value}/>'


def _text(text: str, more: str = "") -> str:
    return f'<table:table-cell {more} office:value-type="string"><text:p>{escape(text)}</text:p></table:table-cell>'
