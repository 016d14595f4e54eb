"""The published province is made to its end by whoever runs the command again, with the same bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.base.errors import Halt
from exchange.base.files import sha256_of
from exchange.demo.province import published
from exchange.demo.province.published import make, read_sheet

PEOPLE = 1500


def bytes_of(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in files}


@pytest.mark.parametrize("at", ["write_exports", "make_claims", "_sheet"])
def test_cut_off_anywhere_it_is_made_anew_in_the_same_folder(
    province: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    folder = tmp_path / "province"

    def cut_off(*_: object) -> None:
        (folder / "exports" / "half").mkdir(parents=True)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(published, at, cut_off)
        with pytest.raises(KeyboardInterrupt):
            make(folder, people=PEOPLE)
    with pytest.raises(Halt, match="no published province"):
        read_sheet(folder)
    make(folder, people=PEOPLE)
    assert bytes_of(folder) == bytes_of(province)
    with pytest.raises(Halt, match="something lies there"):
        make(folder, people=PEOPLE)


def test_what_somebody_else_laid_there_stays(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_bytes(b"1")
    with pytest.raises(Halt, match="something lies there"):
        make(tmp_path, people=PEOPLE)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
