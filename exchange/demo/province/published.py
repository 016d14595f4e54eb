"""The published province: invented people that test batches are answered from, with a data sheet and right answers.

    <folder>/datasheet.json                 what it is, by which seed it was made, the hash of every other file
    <folder>/exports/<source>/<day>/        as the office's own systems would export it
    <folder>/answers/<name>.csv             claims about its people, and the answers that are right
    <folder>/answers/<name>.expected.csv

Rules
- Made by a seed: the same command gives the same bytes, on any day. Nobody in it exists. One that was killed is run
  again on the same folder: until all is there a file says that it is not, and what lies there is made anew.
- The right answers come from what was planted (``claims.py``), not from the matching.
- It is installed only as its data sheet says: a file that is another, or one that the sheet does not name, is a Halt.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import polars as pl

from exchange.base.errors import Halt
from exchange.base.files import WRITING, entries, locked, make_folder, sha256_of, write_atomically
from exchange.base.tables import SOURCES
from exchange.demo.province.claims import make_claims
from exchange.demo.province.exports import write_exports
from exchange.demo.province.known_to import on_record
from exchange.demo.province.offences import make_offences
from exchange.demo.province.people import make_people
from exchange.snapshots.build import build
from exchange.snapshots.versions import Snapshots

SEED: Final = 20270101
PEOPLE: Final = 20_000
AS_OF: Final = date(2026, 11, 22)
"""Of all its exports, for good: test batches do not hold its age against it."""

FORMAT: Final = "exchange-province/1"
SHEET: Final = "datasheet.json"
UNFINISHED: Final = f"{WRITING}province"
"""The file that lies in the folder until all others do."""
_ROWS: Final = 200
_REGISTER: Final = ("id_number", "name", "sex", "birth_date", "ethnicity", "registered_address")
_RECORDS: Final = "criminal_record"
_EVENTS: Final = ("migration", "address_change", "item_correction", "cancellation")


@dataclass(frozen=True)
class ClaimsFile:
    """A file of claims. ``basis``: the legal basis by which records of offence are asked about."""

    name: str
    items: tuple[str, ...]
    basis: str | None = None


ASKED: Final = (
    ClaimsFile("register", _REGISTER),
    ClaimsFile("events", ("id_number", "name", *_EVENTS)),
    ClaimsFile("family", ("id_number", "name", "former_name", "birthplace", "native_place", "kinship")),
    ClaimsFile("records-court", ("id_number", "name", "criminal_record"), "case_handling_286"),
    ClaimsFile("records-minors", ("id_number", "name", "criminal_record"), "minors_protection_62"),
)


def make(folder: Path, seed: int = SEED, people: int = PEOPLE) -> None:
    """Writes the province into a new folder, or one in which a run was killed; Halt where anything else lies there."""
    with locked(make_folder(folder)):
        _begin(folder)
        _write_all(folder, seed, people)
        (folder / UNFINISHED).unlink()


def _begin(folder: Path) -> None:
    """Marks the folder, and removes what a killed run left there."""
    there = entries(folder)
    if there and folder / UNFINISHED not in there:
        msg = f"{folder}: something lies there; name a new folder"
        raise Halt(msg, zh=f"{folder} 中已有文件：请另指定新目录")
    (folder / UNFINISHED).touch(mode=0o600)
    for path in there:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != UNFINISHED:
            path.unlink()


def _write_all(folder: Path, seed: int, people: int) -> None:
    write_exports(make_folder(folder / "exports"), seed, people, AS_OF)
    everyone = pl.concat(make_people(seed, people))
    records = pl.concat([make_offences(seed, number, chunk) for number, chunk in enumerate(make_people(seed, people))])
    answers = make_folder(folder / "answers")
    for number, asked in enumerate(ASKED):
        offenders = on_record(records, asked.basis) if asked.basis else everyone["id_number"].clear()
        claims = make_claims(everyone, offenders, asked.items, _ROWS, seed + number)
        write_atomically(answers / f"{asked.name}.csv", claims.rows.write_csv().encode())
        write_atomically(answers / f"{asked.name}.expected.csv", first_result(claims.expected).write_csv().encode())
    write_atomically(folder / SHEET, _sheet(folder, seed, people))


def first_result(expected: pl.DataFrame) -> pl.DataFrame:
    """The right answers as a first result gives them, same rows and columns: who has a record waits as everybody else
    does.
    """
    if _RECORDS not in expected.columns:
        return expected
    waits = (pl.col("identity") == "consistent") & (pl.col(_RECORDS) == "under_review")
    return expected.with_columns(pl.when(waits).then(pl.lit("awaiting_approval")).otherwise(_RECORDS).alias(_RECORDS))


def install(folder: Path, snapshots: Snapshots) -> None:
    """Builds the sources' snapshots of this province, which test batches are answered from then. Halt where it is not
    what its data sheet says, or ``snapshots`` is a place for real ones.
    """
    if not snapshots.invented:
        msg = f"{snapshots.folder} is no place for invented people"
        raise Halt(msg, zh=f"{snapshots.folder} 不是存放虚构数据的地方")
    sheet = read_sheet(folder)
    day = date.fromisoformat(sheet["as_of"])
    for source in SOURCES:
        build(snapshots, source, folder / "exports" / source / str(day), day)


def read_sheet(folder: Path) -> dict[str, Any]:
    """The data sheet; Halt where it is none, or the files are not those that it names."""
    try:
        sheet: dict[str, Any] = json.loads((folder / SHEET).read_bytes())
        named, format_ = dict(sheet["files"]), sheet["format"]
    except (OSError, ValueError, KeyError, TypeError):
        msg = f"{folder}: no published province: {SHEET} is missing or none"
        raise Halt(msg, zh=f"{folder} 中没有公布的虚构省份（{SHEET} 缺失或不是）：请核对目录") from None
    there = _hashes(folder)
    if format_ != FORMAT or named != there:
        different = sorted(name for name in named.keys() | there.keys() if named.get(name) != there.get(name))
        msg = f"{folder}: not as its data sheet says: {', '.join(different[:3]) or 'another format'}"
        raise Halt(msg, zh=f"{folder} 与说明书不符，请重新取得：{'、'.join(different[:3]) or '格式不同'}")
    return sheet


def _sheet(folder: Path, seed: int, people: int) -> bytes:
    sheet = {
        "format": FORMAT,
        "zh": "虚构省份：供测试使用，其中的人均不存在，号码、姓名与任何真实人员相同纯属巧合。",
        "en": "An invented province for tests: nobody in it exists; a number or name that somebody bears is chance.",
        "made_by": f"exchange province make FOLDER --seed {seed} --people {people}",
        "seed": seed,
        "people": people,
        "as_of": str(AS_OF),
        "answers": [
            {"name": request.name, "items": request.items, "rows": _ROWS, "legal_basis": request.basis}
            for request in ASKED
        ],
        "answers_zh": "answers/ 下每个 .csv 为请求数据，.expected.csv 为放行之前首份结果应有的答复。",
        "answers_en": "Each .csv in answers/ is a request's data, .expected.csv what its first result answers.",
        "files": _hashes(folder),
    }
    return (json.dumps(sheet, ensure_ascii=False, indent=2) + "\n").encode()


def _hashes(folder: Path) -> dict[str, str]:
    """Name → SHA-256 of every file but the data sheet, and what says that it is not finished."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    by_name = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: sha256_of(path) for name, path in by_name.items() if name not in (SHEET, UNFINISHED)}
