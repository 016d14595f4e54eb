"""Snapshots: built whole, judged, published at once, and never back in time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from exchange.base.errors import Halt
from exchange.base.files import locked, sha256_of
from exchange.base.tables import SOURCES
from exchange.demo.province.exports import write_exports
from exchange.snapshots.build import COMPLETE, build, build_if_new
from exchange.snapshots.versions import LAYOUT, Snapshots, Version

DAY = date(2026, 11, 22)
PEOPLE = 2000


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports")
    write_exports(folder, 1, PEOPLE, DAY)
    return folder


@pytest.fixture
def snapshots(tmp_path: Path) -> Snapshots:
    return Snapshots(tmp_path / "snapshots")


def population(exports: Path) -> Path:
    return exports / "population" / str(DAY)


def changed(exports: Path, to: Path, change: pl.Expr | None = None, rows: int | None = None) -> Path:
    """The population export, changed, in another folder."""
    to.mkdir(parents=True)
    frame = pl.read_csv(population(exports) / "part-000.csv", infer_schema=False).fill_null("")
    frame = frame if change is None else frame.with_columns(change)
    frame.head(rows or frame.height).write_csv(to / "part-000.csv")
    return to


def built(snapshots: Snapshots, exports: Path) -> Version:
    return build(snapshots, "population", population(exports), DAY)


@pytest.mark.parametrize("name", [f"{DAY}.bak", "20261122", "2026-W48-1", "旧"])
def test_a_complete_export_whose_name_is_no_day_is_for_a_person(
    snapshots: Snapshots, exports: Path, tmp_path: Path, name: str
) -> None:
    """One that was renamed to make room for a corrected one ended each night as an unexpected error."""
    shutil.copytree(population(exports), tmp_path / "population" / name)
    shutil.copytree(population(exports), tmp_path / "population" / str(DAY))
    with pytest.raises(Halt, match=f"population/{name}") as caught:
        build_if_new(snapshots, tmp_path, "population", DAY)
    assert f"population/{name}" in caught.value.zh
    (tmp_path / "population" / name / COMPLETE).unlink()  # still being written, or put aside
    assert build_if_new(snapshots, tmp_path, "population", DAY) is not None


def test_every_source_is_built_once(snapshots: Snapshots, exports: Path) -> None:
    for source in SOURCES:
        version = build_if_new(snapshots, exports, source, DAY)
        assert version is not None
        assert snapshots.current(source) == version
        assert build_if_new(snapshots, exports, source, DAY) is None


def test_nobody_else_can_read_what_is_built(snapshots: Snapshots, exports: Path, tmp_path: Path) -> None:
    """Whatever the account's umask, and wherever somebody moves the folder."""
    before = os.umask(0)
    try:
        for source in SOURCES:
            build_if_new(snapshots, exports, source, DAY)
    finally:
        os.umask(before)
    made = [path for path in tmp_path.rglob("*") if not path.is_relative_to(exports)]
    assert any(path.suffix == ".arrow" for path in made)
    assert [path.name for path in made if path.stat().st_mode & 0o077] == []


def test_without_a_published_population_no_offence_source_is_built(snapshots: Snapshots, exports: Path) -> None:
    """Whose records are sealed could not be known."""
    with pytest.raises(Halt, match="build it first"):
        build(snapshots, "drug_control", exports / "drug_control" / str(DAY), DAY)
    assert snapshots.current("drug_control") is None


def test_no_source_of_another_name_is_built(snapshots: Snapshots, exports: Path) -> None:
    with pytest.raises(Halt, match="no such source: neighbours"):
        build(snapshots, "neighbours", population(exports), DAY)
    assert not (snapshots.folder / "neighbours").exists()


def test_a_version_of_another_layout_is_built_again_by_the_nightly_run(snapshots: Snapshots, exports: Path) -> None:
    version = built(snapshots, exports)
    written = version.folder / "snapshot.json"
    written.write_text(written.read_text().replace(f'"layout": {LAYOUT}', '"layout": 1'))
    version.folder.rename(old := version.folder.with_name(f"{DAY}.{sha256_of(written)[:12]}"))
    (snapshots.folder / "population" / "current").write_text(old.name)
    with pytest.raises(Halt, match="build it again"):
        Version("population", old.name, old).open("people")
    assert build_if_new(snapshots, exports, "population", DAY) == version
    assert build_if_new(snapshots, exports, "population", DAY) is None


def test_a_version_whose_record_is_damaged_is_built_again_by_the_nightly_run(
    snapshots: Snapshots, exports: Path
) -> None:
    version = built(snapshots, exports)
    written = version.folder / "snapshot.json"
    written.write_bytes(b"\xff" + written.read_bytes()[1:])
    assert build_if_new(snapshots, exports, "population", DAY) == version == snapshots.current("population")
    assert version.record().rows > 0


def test_people_are_sorted_by_key_and_mapped(snapshots: Snapshots, exports: Path) -> None:
    people = built(snapshots, exports).open("people")
    assert (people.keys[1:] >= people.keys[:-1]).all()
    assert len(people.keys) >= PEOPLE - 5
    before = pa.total_allocated_bytes()
    people.find(people.keys[:10])
    assert pa.total_allocated_bytes() - before < 100_000


def test_the_same_export_is_the_same_version(snapshots: Snapshots, exports: Path) -> None:
    first, second = built(snapshots, exports), built(snapshots, exports)
    assert first == second
    assert len(snapshots.versions("population")) == 1


def test_csv_and_parquet_give_the_same(snapshots: Snapshots, exports: Path, tmp_path: Path) -> None:
    frame = pl.read_csv(population(exports) / "part-000.csv", infer_schema=False)
    (tmp_path / "parquet").mkdir()
    frame.write_parquet(tmp_path / "parquet" / "part.parquet")
    assert built(snapshots, exports) == build(snapshots, "population", tmp_path / "parquet", DAY)


@pytest.mark.parametrize(
    ("change", "counted"),
    [
        (pl.lit("11010519491231002").alias("id_number"), "bad_number_share"),
        (pl.lit("").alias("name"), "bad_name_share"),
        (pl.lit("7").alias("sex"), "bad_code_share"),
        (pl.lit("110105194912310021").alias("former_id_number"), None),
    ],
)
def test_what_does_not_pass_the_gate_is_not_published(
    snapshots: Snapshots, exports: Path, tmp_path: Path, change: pl.Expr, counted: str | None
) -> None:
    good = built(snapshots, exports)
    folder = changed(exports, tmp_path / "bad", change)
    if counted is None:
        build(snapshots, "population", folder, DAY)
        return
    with pytest.raises(Halt, match=counted) as halted:
        build(snapshots, "population", folder, DAY + timedelta(days=1))
    assert "11010519491231002" not in str(halted.value)
    assert snapshots.current("population") == good
    assert snapshots.versions("population") == [good]


def test_half_the_people_gone_is_not_published(snapshots: Snapshots, exports: Path, tmp_path: Path) -> None:
    good = built(snapshots, exports)
    with pytest.raises(Halt, match="change_share"):
        build(snapshots, "population", changed(exports, tmp_path / "half", rows=PEOPLE // 2), DAY + timedelta(days=1))
    assert snapshots.current("population") == good


def test_an_export_of_a_day_to_come_is_not_built(snapshots: Snapshots, exports: Path, tmp_path: Path) -> None:
    """Its snapshot would be fresh for years, and none after it would be built."""

    def come(day: str) -> None:
        changed(exports, tmp_path / "population" / day)
        (tmp_path / "population" / day / COMPLETE).touch()

    come(str(DAY))
    assert build_if_new(snapshots, tmp_path, "population", DAY) is not None
    come("2062-11-22")
    with pytest.raises(Halt, match="2062-11-22 is of a day that has not come"):
        build_if_new(snapshots, tmp_path, "population", DAY)
    current = snapshots.current("population")
    assert current is not None
    assert current.as_of == DAY


def test_never_back_in_time(snapshots: Snapshots, exports: Path) -> None:
    good = built(snapshots, exports)
    with pytest.raises(Halt, match="newer"):
        build(snapshots, "population", population(exports), DAY - timedelta(days=1))
    assert snapshots.current("population") == good


@pytest.mark.parametrize("damage", ["none", "both", "columns"])
def test_exports_that_do_not_fit(snapshots: Snapshots, exports: Path, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "export"
    if damage == "none":
        folder.mkdir()
    else:
        changed(exports, folder, pl.lit("x").alias("surprise") if damage == "columns" else None)
    if damage == "both":
        (folder / "a.parquet").touch()
    with pytest.raises(Halt, match="surprise" if damage == "columns" else damage):
        build(snapshots, "population", folder, DAY)
    assert snapshots.current("population") is None


def test_what_is_pinned_or_published_or_new_is_kept(snapshots: Snapshots, exports: Path) -> None:
    made = [build(snapshots, "population", population(exports), DAY + timedelta(days=n)) for n in range(5)]
    removed = snapshots.prune("population", 2, {("population", made[1].name)})
    assert removed == [made[0].name, made[2].name]
    assert snapshots.versions("population") == [made[1], made[3], made[4]]


def test_the_one_that_was_published_a_moment_ago_is_kept(snapshots: Snapshots, exports: Path) -> None:
    """A batch that is being accepted has looked up which one is published, and has not pinned it yet."""
    made = [build(snapshots, "population", population(exports), DAY + timedelta(days=n)) for n in range(3)]
    assert snapshots.prune("population", 1, set()) == [made[0].name]
    assert snapshots.versions("population") == made[1:]


def test_a_snapshot_that_is_gone_is_for_a_person(snapshots: Snapshots) -> None:
    with pytest.raises(Halt):
        snapshots.version("population", "2026-11-22.0123456789ab")
    with pytest.raises(Halt):
        snapshots.version("population", "../../etc")


def test_a_build_that_stands_still_holds_up_no_other_source(snapshots: Snapshots, exports: Path) -> None:
    left = snapshots.folder / "drug_control" / ".building-2026-11-22-left"
    left.mkdir(parents=True)
    with locked(left.parent):
        assert built(snapshots, exports) == snapshots.current("population")
    assert left.is_dir()
    assert snapshots.clean() == 1


LOSSES: dict[str, Callable[[Path, Version], object]] = {
    "its folder": lambda _, version: shutil.rmtree(version.folder),
    "its record": lambda _, version: (version.folder / "snapshot.json").unlink(),
    "its whole name": lambda home, _: (home / "current").write_bytes(b""),
    "half its name": lambda home, _: (home / "current").write_bytes((home / "current").read_bytes()[:11]),
    "a bit of its name": lambda home, version: (home / "current").write_text(f"3{version.name[1:]}"),
    "what is no text": lambda home, _: (home / "current").write_bytes(b"\0\xff"),
}


@pytest.mark.parametrize("lost", LOSSES)
def test_a_published_version_that_is_lost_is_none_and_the_next_night_builds_it_again(
    snapshots: Snapshots, exports: Path, lost: str
) -> None:
    """Building it again, by the night or by hand, is what mends it; and each of these stopped at what was lost, and
    with them the board, the metrics and the backup of all else.
    """
    version = built(snapshots, exports)
    LOSSES[lost](snapshots.folder / "population", version)
    assert snapshots.current("population") is None
    assert snapshots.published("population") is None
    assert snapshots.publications("population").keys() == {DAY}
    assert snapshots.prune("population", 1, []) == []
    assert build_if_new(snapshots, exports, "population", DAY) == version
    assert snapshots.current("population") == version
    version.open("people")
