"""An XLSX file as the ZIP of XML parts that it is (ECMA-376), opened without trusting it.

Rules: only the parts that hold rows are opened: no macros, no external links, no pictures. Nothing is unpacked to disk;
a part is parsed as it is unpacked; what the archive may unpack to is bounded before and while it is, and so is the
processor time that all parts take together. So is what outlives the piece that it stands in: the archive's list of its
parts, the names of elements and attributes, of which the parser keeps each for good, and what parts relate to. A
document type declaration is refused, so that no entity is ever expanded. A workbook with a password is no ZIP and is
refused like any other file that is none.
"""

from __future__ import annotations

import io
import posixpath
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Final
from xml.parsers import expat

from exchange.base.errors import Refused
from exchange.validate.effort import Effort
from exchange.validate.kinds import check_not_sealed

MAX_UNPACKED_BYTES: Final = 1 << 30
"""Bytes of all parts together; a full sheet of 1,048,576 rows in eight columns takes some 400 MB."""

MAX_RATIO: Final = 200
"""Unpacked to packed, judged beyond ``SMALL`` bytes; sheets of people's data pack some ten to one."""

SMALL: Final = 16 << 20
MAX_PARTS: Final = 10_000
MAX_DIRECTORY_BYTES: Final = 4 << 20
"""Of the archive's list of its parts, which is read at once: so many have room for ``MAX_PARTS`` with long names."""

MAX_NAME_LETTERS: Final = 1 << 20
"""Of all names of elements and attributes in a part, each with ``_NAME_COSTS``; honest ones are some hundred."""

_NAME_COSTS: Final = 100
MAX_REFERENCE_LETTERS: Final = 1024
"""Of what one part says of another: an id, a kind, a place; what is kept of it."""

MAX_DEPTH: Final = 64
"""Elements inside each other; a worksheet has some ten."""

MAX_TOKEN_BYTES: Final = 8 << 20
"""Bytes that the parser may hold back for one tag or one attribute; it looks anew only when they have doubled."""

_CHUNK: Final = 1 << 20
_BEGINS: Final = b"PK"
"""What stands before an archive is passed over by some readers and not by others, which then read different things."""

_READABLE: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MACROS: Final = "vbaproject.bin"

Attributes = dict[str, str]
Start = Callable[[str, Attributes], None]
End = Callable[[str], None]
Text = Callable[[str], None]


class Package:
    """The parts of a workbook; Refused ``data_still_sealed``, ``workbook_format`` or ``workbook_too_large`` where it is
    none to be read.
    """

    def __init__(self, content: bytes) -> None:
        check_not_sealed(content)
        if not content.startswith(_BEGINS):
            raise Refused("workbook_format")
        try:
            self._zip = zipfile.ZipFile(_Archive(content))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, UnicodeDecodeError):
            raise Refused("workbook_format") from None
        parts = self._zip.infolist()
        if not parts:
            raise Refused("workbook_format")
        if len(parts) > MAX_PARTS:
            raise Refused("workbook_too_large")
        self._parts = {_even(part.filename): part for part in parts}
        if len(self._parts) != len(parts) or any(name.endswith(_MACROS) for name in self._parts):
            raise Refused("workbook_format")
        unpacked = sum(part.file_size for part in parts)
        if unpacked > MAX_UNPACKED_BYTES or (unpacked > SMALL and unpacked > MAX_RATIO * len(content)):
            raise Refused("workbook_too_large")
        self._effort = Effort(len(content))

    def __contains__(self, name: str) -> bool:
        return _even(name) in self._parts

    def parse(self, name: str, start: Start, end: End | None = None, text: Text | None = None) -> None:
        """Parses one part; the callbacks get element names without their prefix. Declared sizes are held to: what
        unpacks to more or less than it says is refused.
        """
        part = self._parts.get(_even(name))
        if part is None or part.compress_type not in _READABLE or part.flag_bits & 1:
            raise Refused("workbook_format")
        names: dict[str, str] = {}
        parser = expat.ParserCreate(intern=names)
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _no_document_type
        parser.StartElementHandler = _begin(parser, start, end)
        if text is not None:
            parser.CharacterDataHandler = text
        try:
            with self._zip.open(part) as stream:
                given = 0
                for chunk in self._effort.each(iter(lambda: stream.read(_CHUNK), b"")):
                    begun = time.thread_time()
                    parser.Parse(chunk, False)
                    given += len(chunk)
                    if given - parser.CurrentByteIndex > MAX_TOKEN_BYTES or _cost(names) > MAX_NAME_LETTERS:
                        raise Refused("workbook_too_large")
                    self._effort.spend(time.thread_time() - begun)
            parser.Parse(b"", True)
        except (expat.ExpatError, zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError):
            raise Refused("workbook_format") from None

    def relations(self, name: str) -> Mapping[str, tuple[str, str]]:
        """Of one part (of the package where ``name`` is empty): id → (kind, part); what lies outside is left out."""
        folder, _, file = name.rpartition("/")
        by_id: dict[str, tuple[str, str]] = {}

        def start(element: str, given: Attributes) -> None:
            if element == "Relationship" and given.get("TargetMode") != "External":
                stated = given.get("Target", "").replace("\\", "/")
                target = posixpath.normpath(posixpath.join("/", folder, stated)).lstrip("/")
                by_id[given.get("Id", "")] = (given.get("Type", "").rpartition("/")[2], target)
                if len(by_id) > MAX_PARTS or sum(map(len, given.values())) > MAX_REFERENCE_LETTERS:
                    raise Refused("workbook_too_large")

        self.parse(posixpath.join(folder, "_rels", f"{file}.rels"), start)
        return by_id


class _Archive(io.BytesIO):
    """An archive's bytes; Refused where so many are read at once as no list of its parts has."""

    def read(self, size: int | None = -1) -> bytes:
        """The next ``size`` bytes."""
        if size is not None and size > MAX_DIRECTORY_BYTES:
            raise Refused("workbook_too_large")
        return super().read(size)


def _cost(names: Mapping[str, str]) -> int:
    return sum(map(len, names)) + _NAME_COSTS * len(names)


def _begin(parser: expat.XMLParserType, start: Start, end: End | None) -> Start:
    """What is called for the root element: from there on its prefix, if it has one, is taken off every name."""

    depth = cut = 0

    def root(name: str, given: Attributes) -> None:
        nonlocal cut
        prefix = name.rpartition(":")[0]
        cut = len(prefix) + 1 if prefix else 0
        parser.StartElementHandler = deeper
        parser.EndElementHandler = higher
        deeper(name, given)

    def deeper(name: str, given: Attributes) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise Refused("workbook_too_large")
        start(name[cut:], given)

    def higher(name: str) -> None:
        nonlocal depth
        depth -= 1
        if end is not None:
            end(name[cut:])

    return root


def _even(name: str) -> str:
    """A part's name as names of parts are compared: letter case does not count (ECMA-376, part 2), and some programs
    write backslashes.
    """
    return name.replace("\\", "/").lower()


def _no_document_type(*_: object) -> None:
    raise Refused("workbook_format")
