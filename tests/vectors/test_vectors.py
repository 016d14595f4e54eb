"""The published vectors: the generator makes these bytes, and this office answers them as they say."""

from __future__ import annotations

import base64
import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from exchange.agreements.agreement import Agreement
from exchange.base.errors import Refused
from exchange.base.legal_bases import legal_bases
from exchange.base.tables import OFFENCE_SOURCES, SOURCES
from exchange.demo.province.exports import write_exports
from exchange.demo.province.published import AS_OF, PEOPLE, SEED
from exchange.matching.decide import decide
from exchange.matching.identity import Population
from exchange.matching.sources import Sources
from exchange.snapshots.build import build
from exchange.snapshots.versions import Snapshots
from exchange.steps.disclosure import as_disclosed
from exchange.steps.trust import trusted_manifest
from exchange.validate.encoding import to_utf8
from exchange.validate.table import ROW_FAULT, read_table
from exchange.wire.envelope import KeyPair, sign
from tests.spec.test_requests import made as made_identity
from tests.vectors import generate

FILES = ("requests.jsonl", "files.jsonl", "saved.jsonl", "answers.jsonl")
MOST_BYTES = 256 * 1024


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (generate.FOLDER / name).read_text("utf-8").splitlines()]


def test_they_are_what_the_generator_makes() -> None:
    assert {path.name for path in generate.FOLDER.iterdir()} == set(FILES)
    for name, content in generate.made().items():
        assert (generate.FOLDER / name).read_bytes() == content, "python -m tests.vectors.generate"


def test_they_are_many_and_small_and_each_has_a_name_of_its_own() -> None:
    ids = [line["id"] for name in FILES for line in lines(name)]
    assert len(ids) == len(set(ids)) >= 240
    assert sum((generate.FOLDER / name).stat().st_size for name in FILES) < MOST_BYTES


@pytest.fixture(scope="module")
def identities(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, KeyPair], Path]:

    found = {name: made_identity(name) for name in ("partner", "another")}
    place = tmp_path_factory.mktemp("vectors") / "partner.pem"
    place.write_bytes(found["partner"].certificate.public_bytes(Encoding.PEM))
    return found, place


@pytest.mark.parametrize("line", lines("requests.jsonl"), ids=lambda line: line["id"])
def test_requests(line: dict[str, Any], identities: tuple[dict[str, KeyPair], Path]) -> None:
    keys, place = identities
    agreement = Agreement.model_validate(
        line["agreement"]
        | {
            "sftp": {"host": "127.0.0.1", "username": "partner", "host_key": "ssh-ed25519 AAAA"},
            "certificates": {"signing": place, "encryption": place},
            "contact": {"name": "经办人（虚构）", "telephone": "0"},
        }
    )
    content = json.dumps(line["manifest"], ensure_ascii=False).encode()
    signature = sign(content, keys["another" if line["signed"] == "by_another" else "partner"])
    if line["signed"] == "then_altered":
        content += b" "
    said: dict[str, Any] = {"outcome": "accepted"}
    try:
        name = line["file"].removesuffix(".request.json")
        trusted_manifest(agreement, content, signature, name, datetime.fromisoformat(line["received"]))
    except Refused as refused:
        said = {"outcome": "refused", "code": refused.code} | place_of(refused)
    assert said == line["expect"]


@pytest.mark.parametrize("line", lines("files.jsonl"), ids=lambda line: line["id"])
def test_files(line: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        read_table(to_utf8(base64.b64decode(line["data"])), line["items"], line["rows"])
    assert {"outcome": "refused", "code": refused.value.code} | place_of(refused.value) == line["expect"]


def place_of(refused: Refused) -> dict[str, Any]:
    found = {"column": refused.column, "row": refused.row}
    return {name: value for name, value in found.items() if value is not None}


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory) -> Snapshots:
    """The published province as an office has it."""
    folder = tmp_path_factory.mktemp("province")
    write_exports(folder / "exports", SEED, PEOPLE, AS_OF)
    snapshots = Snapshots(folder / "snapshots", invented=True)
    for source in SOURCES:
        build(snapshots, source, folder / "exports" / source / str(AS_OF), AS_OF)
    return snapshots


def test_answers_over_the_published_province(province: Snapshots) -> None:
    """Row by row, as each may be asked alone; told together here."""
    current = {source: province.current(source) for source in SOURCES}
    open_ = {source: version for source, version in current.items() if version is not None}
    people = Population(*[open_["population"].open(name) for name in ("people", "former", "mothers", "births")])
    records = {source: version.open("records") for source, version in open_.items() if source != "population"}
    assert set(OFFENCE_SOURCES) <= set(records)
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for line in lines("answers.jsonl"):
        groups.setdefault((line.get("legal_basis", ""), *line["items"]), []).append(line)
    for (basis, *items), group in groups.items():
        bases = (legal_bases()[basis],) if basis else ()
        sources = Sources(people, records, approved=False, tells_cancellation=False, bases=bases, asked_on=TODAY)
        rows = pl.DataFrame([line["row"] for line in group]).with_columns(pl.lit(None, pl.String).alias(ROW_FAULT))
        answered = as_disclosed(decide(rows, items, sources, TODAY))
        codes = pl.col("^answer[.].*$").name.map(lambda name: name.removeprefix("answer."))
        answered = answered.select("identity", "note", codes)
        for line, got in zip(group, answered.iter_rows(named=True), strict=True):
            assert {name: got[name] for name in line["expect"]} == line["expect"], line["id"]


TODAY = date(2026, 11, 27)
