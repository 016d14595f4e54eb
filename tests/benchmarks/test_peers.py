"""The peers of the benchmark answer as this software does, row by row, on a province of two thousand people."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from benchmarks.lookup import answer
from benchmarks.lookup.part import WAYS
from benchmarks.match import ours
from benchmarks.match.part import hold_together
from benchmarks.measure import Failed
from benchmarks.peers.lookup.with_postgres import server
from benchmarks.peers.match import with_duckdb, with_pandas, with_polars
from benchmarks.peers.tables import make_peers
from benchmarks.province import World
from benchmarks.requests import request

PEOPLE = 2000
ROWS = 1500


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    place = World(tmp_path_factory.mktemp("bench"), PEOPLE)
    place.make(lambda _: None)
    make_peers(place, lambda _: None)
    try:
        yield place
    finally:
        server(place.folder).remove()


@pytest.mark.parametrize("dirt", [True, False])
def test_all_ways_of_matching_give_the_same_answers(small: World, tmp_path: Path, dirt: bool) -> None:
    asked = str(request(small, ROWS, dirt=dirt))
    files = {name: tmp_path / name for name in ("ours", "file", "parquet", "plain", "pushed", "pandas")}
    world, out = str(small.folder), {name: str(path) for name, path in files.items()}
    ours.main(world, asked, out["ours"])
    for form in ("file", "parquet"):
        with_duckdb.main(form, world, asked, out[form])
    for form in ("plain", "pushed"):
        with_polars.main(form, world, asked, out[form])
    with_pandas.main(world, asked, out["pandas"])
    hold_together(files)
    answers = pl.read_csv(files["ours"], infer_schema=False)
    assert answers.height == ROWS
    met = {"consistent", "under_review"} | ({"no_such_number", "name_disagrees", "id_number_check"} if dirt else set())
    assert met <= set(answers["identity"])
    assert {"no_record", "under_review"} <= set(answers["answer.criminal_record"])


def test_another_answer_is_seen(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("row_ref,identity\nR1,consistent\nR2,consistent\n")
    (tmp_path / "b").write_text("row_ref,identity\nR1,consistent\nR2,under_review\n")
    with pytest.raises(Failed, match="1 rows, from row 2 on"):
        hold_together({name: tmp_path / name for name in ("a", "b")})


def test_all_ways_of_looking_up_find_the_same(small: World) -> None:
    keys = (
        pl.read_parquet(small.folder / "peers" / "numbers.parquet").filter("alone", ~pl.col("former"))["key"].to_list()
    )
    for asked in (keys[7:8], keys[::19]):
        found = []
        for way in WAYS.values():
            with importlib.import_module(way).opened(small.folder) as find:
                found.append(sorted(find(asked)))
        assert [len(each) for each in found] == [len(asked)] * len(WAYS)
        assert all(each == found[0] for each in found)


def test_whole_answers_in_memory_are_the_same(small: World) -> None:
    claims = pl.read_csv(request(small, ROWS), infer_schema=False).fill_null("")
    claims = claims.with_columns(pl.lit(None, pl.String).alias("row_fault"))
    one, other = answer.ours(small.folder)(claims), answer.duckdb(small.folder)(claims)
    assert len(one) == ROWS
    assert one == other


def test_a_world_is_made_once(small: World) -> None:
    said: list[str] = []
    small.make(said.append)
    make_peers(small, said.append)
    assert said == []
