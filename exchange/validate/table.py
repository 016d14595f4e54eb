"""The rows of a request's CSV file, as text, in the order in which they came.

Rules: no row is dropped; a row with more or fewer fields than the header keeps its place with ``row_fault`` set and its
reference echoed, and so does one whose reference has lost a character. Blank lines are not rows. The number of rows
must be what the manifest says, and not every reference empty. Commas, semicolons or tabs part the fields, whichever
gives the header most words that are known, then most words; the rows are parted by another of them where the header's
stands nowhere among them and the first row has as many fields as the header by that. What Excel writes in front
(``sep=;``) is no header, nor is a line without text there. A text in quotation marks behind a blank is that text.

A file is read in parts, so that what is made of its rows need not be in memory at once. A clean one is read by pyarrow;
only from where that finds a ragged row or a stray quote is it read eight times slower, by Python's ``csv`` (1,000,000
rows: 0.5 s against 4.4 s). A property test holds the two, and any size of parts, to the same rows.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Final, TypeVar

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv

from exchange.base.errors import Refused
from exchange.base.tables import REQUIRED_COLUMNS
from exchange.validate.cells import FORMULA, QUOTED, SEEN, has_text
from exchange.validate.columns import WORDLESS, columns_for, known_words, read_header, without_empty
from exchange.validate.effort import Effort
from exchange.validate.encoding import MAX_LINE_BYTES
from exchange.validate.foreign_bytes import foreign_bytes

ROW_FAULT: Final = "row_fault"
LOST: Final = "\ufffd"
QUOTE: Final = '"'
_FIRST_SIGN: Final = "!"
_AFTER_LAST_SIGN: Final = "\x7f"
REFERENCE: Final = "row_ref"
_SEPARATORS: Final = ",;\t"
_OTHER_SEPARATORS: Final = re.compile("[|:，；、｜]")
_NO_LETTERS: Final = re.compile(r"[^\w]+")
_EXCELS_LINE: Final = re.compile(rb'"?sep=[^\r\n]"?\r?\n', re.IGNORECASE)
_EMPTY: Final = re.compile(rb'(?:[\s,;]++|"")*+')
_OF_EMPTY_FIELDS: Final = str.maketrans("", "", _SEPARATORS + QUOTE)
_SURPLUS: Final = 64
"""Empty columns behind the header's last word that are read as columns. A spreadsheet whose formats reach to its last
column saves some 16,000, and each would take memory in every part: those are cut off row by row, which is slower. Of
empty columns before its last word there may not be more."""

_SLOW_ROWS: Final = 50_000
_SLOW_BYTES: Final = 8 * 1024 * 1024
"""What the slow way holds at a time, whichever is reached first."""

_FAST_ROWS: Final = 1 << 18
"""So many rows of a part at a time; honest rows are long enough that a part has fewer. Two million short ones took half
a GB.
"""

_PART: Final = 32 * 1024 * 1024
"""Bytes of the file that are read at a time where the rows are put together again."""

T = TypeVar("T")


def read_table(utf8: bytes, items: Sequence[str], rows: int | None, form: str | None = None) -> pl.DataFrame:
    """The claimed values: one String column per request column, and ``row_fault`` (a code or null); an optional column
    that was left out is empty, and so is one that every other request has. ``rows`` is the manifest's count, None where
    there is none to hold it to; ``form`` that of an item that is asked alone. Refused where header, syntax or count do
    not fit.
    """
    return pl.concat(read_parts(utf8, items, rows, form, part=_PART))


def read_parts(
    utf8: bytes, items: Sequence[str], rows: int | None, form: str | None = None, *, part: int
) -> Iterator[pl.DataFrame]:
    """The table of :func:`read_table`, in its dtypes and order, in parts of ``part`` bytes of the file; Refused after
    the last where the count does not fit.
    """
    with foreign_bytes("csv_format"):  # an error of who takes the parts does not come in here
        yield from _counted(utf8, items, rows, form, part)


def _counted(
    utf8: bytes, items: Sequence[str], rows: int | None, form: str | None, part: int
) -> Iterator[pl.DataFrame]:
    start = _header_start(utf8)
    end = _header_end(utf8, start)
    separator, header = _fields(utf8[start:end])
    codes = read_header(header, items, form)
    if sum(code.startswith(WORDLESS) for code in codes) > _SURPLUS:
        raise Refused("column_unknown", column=next(code for code in codes if code.startswith(WORDLESS)))
    separator = _of_rows(utf8, end, separator, range(len(codes), len(header) + 1))
    surplus = [f"{WORDLESS}{position}" for position in range(len(codes) + 1, len(header) + 1)]
    if len(surplus) > _SURPLUS:
        surplus = []
    optional = frozenset(column.code for column in columns_for(items, form) if column.optional)
    height, referred, quoted = 0, False, utf8.find(QUOTE.encode(), end) >= 0
    frames = _frames(utf8, end, [*codes, *surplus], part, optional | set(surplus), separator)
    for frame in Effort(len(utf8)).each(frames):
        table = _evened(frame, codes, surplus, quoted=quoted)
        height += table.height
        referred = referred or has_references(table)
        yield with_left_out(table, items, form)
    check_rows(height, rows, referred=referred)


def check_rows(height: int, stated: int | None, *, referred: bool) -> None:
    """Refused where there are no rows, not so many as the manifest states (``row`` says how many there are), or none
    that an answer could be told to belong to.
    """
    if height == 0:
        raise Refused("no_rows")
    if stated is not None and height != stated:
        raise Refused("row_count", row=height, column="rows")
    if not referred:
        raise Refused("row_refs_empty", column=REFERENCE)


def has_references(table: pl.DataFrame) -> bool:
    """Whether any row has a reference."""
    return bool(table[REFERENCE].str.contains(SEEN).any())


def read_words(utf8: bytes) -> list[str]:
    """The header's words as they stand, nothing asked of them yet."""
    with foreign_bytes("csv_format"):
        start = _header_start(utf8)
        return _fields(utf8[start : _header_end(utf8, start)])[1]


def _header_start(utf8: bytes) -> int:
    """Behind what Excel writes in front, and behind lines without any text."""
    first = _EXCELS_LINE.match(utf8)
    start = first.end() if first else 0
    return _first_filled(utf8, start)


def _first_filled(utf8: bytes, start: int) -> int:
    """Where the first line begins that holds a text, between separators and quotation marks or without them."""
    while start < len(utf8):
        empty = _EMPTY.match(utf8, start)
        begin = utf8.rfind(b"\n", start, empty.end() if empty else start) + 1 or start
        start = utf8.find(b"\n", begin) + 1 or len(utf8)
        line = utf8[begin:start]
        if line.count(b'"') % 2 or has_text(line.decode().translate(_OF_EMPTY_FIELDS)):
            return begin
    return start


def with_left_out(table: pl.DataFrame, items: Sequence[str], form: str | None) -> pl.DataFrame:
    """The rows with an empty String column for each column that a request may leave out and has left out."""
    expected = {column.code for column in (*REQUIRED_COLUMNS, *columns_for(items, form))}
    return table.with_columns(pl.lit("").alias(code) for code in sorted(expected - set(table.columns)))


def _header_end(utf8: bytes, start: int) -> int:
    """Where the header ends: a line feed inside a quoted word of it is no end."""
    end = utf8.find(b"\n", start) + 1 or len(utf8)
    while utf8.count(b'"', start, end) % 2 and end < min(len(utf8), start + MAX_LINE_BYTES):
        end = utf8.find(b"\n", end) + 1 or len(utf8)
    return end


def _evened(frame: pl.DataFrame, codes: Sequence[str], surplus: Sequence[str], *, quoted: bool) -> pl.DataFrame:
    """The rows with any text, without what is behind the header's last word; there only text is a fault."""
    rows = frame
    if not _all_seen(frame[REFERENCE]):
        filled = pl.any_horizontal(pl.col(*codes, *surplus).str.contains(SEEN))
        rows = frame.filter(filled | pl.col(ROW_FAULT).is_not_null())
    if surplus:
        beyond = pl.any_horizontal(pl.col(*surplus).str.contains(SEEN))
        fault = pl.when(beyond).then(pl.lit("row_fields")).otherwise(pl.col(ROW_FAULT)).alias(ROW_FAULT)
        rows = rows.with_columns(fault).drop(surplus)
    rows = without_empty(rows)
    return read_cells(rows, [code for code in codes if code in rows.columns], quoted=quoted)


def _all_seen(texts: pl.Series) -> bool:
    """Whether each holds a text. What lies between two texts in ASCII begins with a sign of ASCII itself."""
    least, most = texts.min(), texts.max()
    plain = isinstance(least, str) and isinstance(most, str) and least >= _FIRST_SIGN and most < _AFTER_LAST_SIGN
    return plain or bool(texts.str.contains(SEEN).all())


def read_cells(rows: pl.DataFrame, codes: Sequence[str], *, quoted: bool = True) -> pl.DataFrame:
    """What CSV and workbook have in common once their cells are texts: the same rows and columns, String. One in
    quotation marks behind a blank is what stands between them; one that is written as a formula to keep its digits
    (``="007"``) is those, and of a person's number ``matching.id_numbers`` says that it was repaired. By a reference
    that has lost a character nobody would find the row again. ``quoted``: whether the file holds quotation marks.
    """
    texts: list[pl.Expr | pl.Series] = [_bare(rows[code]) for code in codes if quoted]
    if _may_hold(rows[REFERENCE], LOST):
        lost = pl.when(pl.col(REFERENCE).str.contains(LOST, literal=True)).then(pl.lit("row_ref_damaged"))
        texts.append(pl.coalesce(ROW_FAULT, lost).alias(ROW_FAULT))
    return rows.with_columns(texts)


def _bare(texts: pl.Series) -> pl.Series:
    """What stands between quotation marks behind a blank, or in a formula; of a column whose octets are none of a mark
    nothing is looked at closer.
    """
    if not _may_hold(texts, QUOTE):
        return texts
    rows = texts.str.contains(QUOTE, literal=True).fill_null(value=False).arg_true()
    bare = texts[rows].str.replace(QUOTED, "$1")
    if "id_number" not in texts.name:
        bare = bare.str.replace(FORMULA, "$1")
    return texts.clone().scatter(rows, bare)


def _may_hold(texts: pl.Series, mark: str) -> bool:
    """Whether any octet of the column is the first one of the mark."""
    octets = texts.to_arrow(compat_level=pl.CompatLevel.oldest()).buffers()[2]
    return octets is not None and bool((np.frombuffer(octets, np.uint8) == mark.encode()[0]).any())


def _fields(header: bytes) -> tuple[str, list[str]]:
    """What parts the fields, and the header's; a comma where nothing gives more. Refused where it is another sign."""
    text = header.decode().rstrip("\r\n")
    read = {separator: fields for separator in _SEPARATORS if (fields := _parted(text, separator))}
    if not read:
        raise Refused("csv_format", row=0)
    separator = max(read, key=lambda candidate: (known_words(read[candidate]), sum(map(has_text, read[candidate]))))
    parted = _OTHER_SEPARATORS.search(text) or known_words(_NO_LETTERS.split(text)) > 1
    if len(read[separator]) == 1 and parted:
        raise Refused("csv_separator", row=0)
    return separator, read[separator]


def _of_rows(utf8: bytes, start: int, separator: str, widths: Container[int]) -> str:
    """What parts the fields of the rows: what parts the header's, unless it stands nowhere among them. Refused where it
    is another sign.
    """
    if utf8.find(separator.encode(), start) >= 0:
        return separator
    begin = _first_filled(utf8, start)
    text = utf8[begin : _header_end(utf8, begin)].decode().rstrip("\r\n")
    for other in _SEPARATORS:
        if (fields := _parted(text, other)) and len(fields) in widths:
            return other
    if len(_OTHER_SEPARATORS.split(text)) in widths:
        raise Refused("csv_separator", row=1)
    return separator


def _parted(text: str, separator: str) -> list[str] | None:
    """The fields of one line; None where it cannot be read so."""
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True), [""])
    except csv.Error:
        return None


def _frames(
    utf8: bytes, start: int, codes: Sequence[str], part: int, optional: frozenset[str], separator: str
) -> Iterator[pl.DataFrame]:
    """The rows from byte ``start``: as long as every one has as many fields as the header the fast way."""
    height = 0
    try:
        for frame in _read_fast(utf8, start, codes, part, separator):
            height += frame.height
            yield frame
    except pa.ArrowInvalid:
        pass
    else:
        return
    yield from _read_slowly(utf8, start, codes, height, optional, separator)


def _read_fast(
    utf8: bytes, start: int, codes: Sequence[str], part: int, separator: str = ","
) -> Iterator[pl.DataFrame]:
    """The rows in parts; ArrowInvalid at the first part that has a row with too many or too few fields, or a field that
    is longer than the slow way takes one, or at once where there are no rows. With threads pyarrow would read three
    parts ahead before it gives the first, one after another.
    """
    body, quoted = pa.py_buffer(utf8).slice(start), utf8.find(QUOTE.encode(), start) >= 0
    batches = pacsv.open_csv(
        pa.BufferReader(body),
        read_options=pacsv.ReadOptions(column_names=list(codes), block_size=part, use_threads=False),
        parse_options=pacsv.ParseOptions(delimiter=separator, newlines_in_values=quoted),
        convert_options=pacsv.ConvertOptions(
            column_types={code: pa.string() for code in codes},
            strings_can_be_null=False,
            quoted_strings_can_be_null=False,
        ),
    )
    for batch in batches:
        for first in range(0, batch.num_rows, _FAST_ROWS):
            frame = pl.from_arrow(batch.slice(first, _FAST_ROWS))
            assert isinstance(frame, pl.DataFrame)
            if quoted and _has_longer(frame, csv.field_size_limit()):  # others are no longer than their line
                raise pa.ArrowInvalid
            yield frame.with_columns(pl.lit(None, pl.String).alias(ROW_FAULT))


def _has_longer(texts: pl.DataFrame, letters: int) -> bool:
    long = (column.filter(column.str.len_bytes() > letters) for column in texts)  # octets need not be counted
    return any((column.str.len_chars() > letters).any() for column in long)


def _read_slowly(
    utf8: bytes,
    start: int,
    codes: Sequence[str],
    skip: int = 0,
    optional: frozenset[str] = frozenset(),
    separator: str = ",",
) -> Iterator[pl.DataFrame]:
    """The rows after the first ``skip``, cut or filled up to the header; marked where that cuts text off, or fills more
    than the last optional columns.
    """
    width = len(codes)
    fewest = next((position for position in range(width, 0, -1) if codes[position - 1] not in optional), 0)
    empty = ("",) * width
    schema = dict.fromkeys((*codes, ROW_FAULT), pl.String)
    content = io.BytesIO(utf8)
    content.seek(start)
    reader = csv.reader(io.TextIOWrapper(content, encoding="utf-8", newline=""), delimiter=separator)
    marked = (
        (*row, None) if len(row) == width else (*row[:width], *empty[len(row) :], _fault(row, fewest, width))
        for row in itertools.islice(filter(None, reader), skip, None)
    )
    try:
        for chunk in _chunks(marked, content):
            yield pl.DataFrame(chunk, schema=schema, orient="row")
    except csv.Error:
        raise Refused("csv_format", row=reader.line_num) from None


def _chunks(rows: Iterable[T], content: io.BytesIO) -> Iterator[list[T]]:
    """Rows that are read from ``content``, some of them at a time: so that neither many nor long ones fill memory."""
    chunk: list[T] = []
    begun = content.tell()
    for row in rows:
        chunk.append(row)
        if len(chunk) == _SLOW_ROWS or content.tell() - begun > _SLOW_BYTES:
            yield chunk
            chunk, begun = [], content.tell()
    if chunk:
        yield chunk


def _fault(row: Sequence[str], fewest: int, width: int) -> str | None:
    """What is wrong with a row of another width than the header's; one without any text is none and has no fault."""
    short = len(row) < fewest and any(map(has_text, row))
    return "row_fields" if short or any(map(has_text, filter(None, row[width:]))) else None
