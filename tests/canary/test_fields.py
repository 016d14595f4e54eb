"""Whatever a partner writes, and wherever: an identity number in it is found nowhere afterwards, however it is written.

Rules
- The fields are all that a partner can fill with a text of its own in a set that is accepted or left alone: texts of
  the manifest, rows, a workbook's own texts, and the names of sets, files, folders and links. What is refused:
  ``test_refusals.py``.
- Searched are the same places: loggers' lines, what was given back or raised, what the partner gets, the register's
  database and its server's log, all file names. What lies at the office is for its own account alone.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest
from openpyxl.comments import Comment
from openpyxl.workbook.defined_name import DefinedName

from exchange import pipeline
from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import World
from exchange.intake.collect import poll
from exchange.register import BatchFilter, State
from tests.canary.forms import named
from tests.canary.sets import HEADER, ROW, Desk
from tests.canary.test_refusals import PATIENCE, database_text, file_names

WRITTEN: Mapping[str, Callable[[str], str]] = {
    "whole": str,
    "15": lambda number: number[:6] + number[8:17],
    "hyphens": lambda number: f"{number[:6]}-{number[6:14]}-{number[14:]}",
    "underscores": lambda number: f"{number[:6]}_{number[6:10]}_{number[10:14]}_{number[14:]}",
}
"""As names may hold it."""
IN_TEXTS: Mapping[str, Callable[[str], str]] = {
    **WRITTEN,
    "blanks": lambda number: f"{number[:6]} {number[6:14]} {number[14:]}",
    "dots": lambda number: f"{number[:6]}.{number[6:14]}.{number[14:]}",
    "wide": lambda number: "".join(chr(ord(letter) + 0xFEE0) for letter in number),
}


class Planting:
    """Numbers to plant, each once, with where each is."""

    def __init__(self) -> None:
        self.places: dict[str, str] = {}

    def __call__(self, place: str, form: str) -> str:
        count = len(self.places)
        number = IN_TEXTS[form](f"220102{1950 + count // 300}{1 + count % 12:02}{1 + count % 25:02}92{count % 100:02}")
        assert number not in self.places
        self.places[number] = f"{place}, {form}"
        return number


@pytest.fixture
def desk(
    app: App, court: DemoPartner, education: DemoPartner, ask: Callable[..., Request], monkeypatch: pytest.MonkeyPatch
) -> Desk:
    return Desk(app, court, education, ask, monkeypatch)


def in_rows(desk: Desk, plant: Planting, form: str) -> Mapping[str, bytes]:
    """In the manifest's texts and in the rows."""
    cells = ",".join(plant(column, form) for column in ("row_ref", "id_number", "name", "sex"))
    files = desk.set((HEADER.decode() + f"{cells}\n").encode("utf-8-sig"))
    return desk.changed(files, letter=f"介字（{plant('letter', form)}）", handler=f"王芳{plant('handler', form)}")


def in_workbook(desk: Desk, plant: Planting, form: str) -> Mapping[str, bytes]:
    """In what a workbook holds beside its rows."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (HEADER, ROW):
        sheet.append(row.decode().strip().split(","))
    sheet.title = plant("sheet", form)[:31]
    sheet["B2"].comment = Comment(plant("comment", form), plant("comment's author", form))
    sheet["B2"].hyperlink = f"http://localhost/{plant('link of a cell', form)}"
    book.properties.title, book.properties.creator = plant("title", form), plant("author", form)
    book.defined_names.add(DefinedName("n", attr_text=f'"{plant("defined name", form)}"'))
    book.create_sheet(plant("hidden sheet", form)[:31]).sheet_state = "hidden"
    content = io.BytesIO()
    book.save(content)
    return desk.set(content.getvalue(), form="xlsx", encrypted=False)


def in_names(desk: Desk, plant: Planting, form: str) -> Mapping[str, bytes]:
    """In the names of sets, whole and not, of files, folders and links; as what lies in the folder."""
    partner, there = desk.court.id, desk.court.server.home / "to-office"
    whole, half = (f"{partner}.{plant(place, form)}" for place in ("set", "unfinished set"))
    files = dict(desk.set(batch=whole)) | {f"{half}.request.json": b"{}"}
    files |= {f"{partner}.{plant('acknowledgement', form)}.result.ack": b"", f"{plant('file', form)}.docx": b"x"}
    folder = there / plant("folder", form)
    folder.mkdir()
    (folder / plant("file in a folder", form)).write_bytes(b"x")
    (there / plant("link", form)).symlink_to(folder / plant("link's end", form))
    return files


def test_what_a_partner_writes_names_nobody_afterwards(
    world: World, desk: Desk, later: Callable[[timedelta], App], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    plant, theirs = Planting(), desk.court.server.home
    for form in IN_TEXTS:
        desk.court.drop(dict(in_rows(desk, plant, form)))
        desk.court.drop(dict(in_workbook(desk, plant, form)))
    for form in WRITTEN:
        desk.court.drop(dict(in_names(desk, plant, form)))
    said = [repr(poll(desk.app))]
    batches = desk.app.register.batches(BatchFilter(limit=10_000))
    assert len(batches) == 2 * len(IN_TEXTS), "sets whose names hold a number are left alone"
    for batch in batches:
        said.append(repr(pipeline.run(desk.app, batch.id)))
    assert {each.state for each in desk.app.register.batches(BatchFilter(limit=10_000))} == {State.CLOSED}
    for ahead in (PATIENCE, timedelta(days=1) + PATIENCE):
        said.append(repr(poll(later(ahead))))
    told = [path for path in (theirs / "from-office").iterdir() if path.suffix in (".json", ".html")]
    assert any("withheld" in path.name for path in told)
    places = {
        "what the partner is told": [text for path in told for text in (path.name, path.read_text("utf-8", "replace"))],
        "what Airflow is given": said,
        "logs": [caplog.text, json.dumps([str(each.args) for each in caplog.records])],
        "the register": list(database_text(world)),
        "the database server's log": [(world.postgres.folder / "server" / "log").read_text("utf-8", "replace")],
        "file names": [path.name for path in file_names(world) if not _is_the_partners(path, theirs)],
    }
    found = {place: named(list(plant.places), "\n".join(texts)) for place, texts in places.items()}
    assert {place: [plant.places[number] for number in numbers] for place, numbers in found.items() if numbers} == {}
    home = [path for path in desk.app.settings.home.rglob("*") if not path.is_symlink()]
    assert [path.name for path in home if path.stat().st_mode & 0o077] == [], "others may read none of it"
    assert any("介字（***）" in text for text in places["the register"]), "it does search where the letter is"


def _is_the_partners(path: Path, theirs: Path) -> bool:
    return path.is_relative_to(theirs / "to-office")
