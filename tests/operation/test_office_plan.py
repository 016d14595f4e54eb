"""``exchange office init`` where what it is told, or the place that it is given, does not fit."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from typer.testing import CliRunner

from exchange.base.errors import Halt
from exchange.cli.main import commands
from exchange.operation.installing import Plan, make_office
from exchange.settings import Settings
from tests.accounts import unprivileged
from tests.operation.test_office_init import init


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('office = "x"\nfolder = "relative"\n', 70),
        ('office = "x"\nfolder = "/nowhere/x"\nunknown = 1\n', 70),
        ('office = "a\\"b"\nfolder = "/nowhere/x"\n', 70),
    ],
)
def test_a_plan_that_does_not_fit(tmp_path: Path, line: str, code: int) -> None:
    place = tmp_path / "plan.toml"
    place.write_text(line, "utf-8")
    init(place, code)
    assert not Path("/nowhere/x").exists()


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    place = tmp_path / "plan.toml"
    place.write_text(f'office = "x"\nfolder = "{tmp_path}/office"\n[database]\nhost = "127.0.0.1"\nport = 1\n', "utf-8")
    init(place, 75)


@pytest.mark.parametrize(
    ("name", "folder", "word"),
    [('a"b', "office", "office"), ("某机关", 'off"ice', "folders"), ("某\udc80", "office", "not in the encoding")],
)
def test_an_answer_that_does_not_fit_is_told_by_its_field(tmp_path: Path, name: str, folder: str, word: str) -> None:
    answers = f"{name}\n{tmp_path}/{folder}\n127.0.0.1\n1\npostgres\n\n".encode("utf-8", "surrogateescape")
    result = CliRunner().invoke(commands, ["office", "init"], input=answers)
    assert result.exit_code == 70, result.output
    assert f"answers: {word}" in result.output
    assert not list(tmp_path.iterdir())


def test_a_folder_that_may_not_be_made() -> None:
    result = CliRunner().invoke(
        commands, ["office", "init"], input="某机关\n/proc/1/office\n127.0.0.1\n1\npostgres\n\n"
    )
    assert result.exit_code == 70
    assert "the office's own disk: /proc/1/secrets" in result.output


@pytest.mark.parametrize("closed", ["", "office", "office/keys", "secrets"])
def test_a_folder_of_somebody_else_is_named(closed: str) -> None:
    """Whichever of an office that was begun under another account."""
    with TemporaryDirectory() as place:
        root = Path(place)
        folders = [root, root / "secrets", root / "office"]
        folders += [root / "office" / name for name in ("keys", "agreements", "exports", "home")]
        for folder in folders:
            folder.mkdir(exist_ok=True)
            folder.chmod(0o777)
        (root / closed).chmod(0)
        with unprivileged(), pytest.raises(Halt, match=f"the office's own disk: {root / closed}.*: Permission denied"):
            list(make_office(Plan(office="x", folder=root / "office")))
        (root / closed).chmod(0o700)


def test_it_asks_where_it_is_told_nothing(tmp_path: Path) -> None:
    answers = f"某机关\n{tmp_path}/office\n127.0.0.1\n1\npostgres\n\n"
    result = CliRunner().invoke(commands, ["office", "init"], input=answers)
    assert result.exit_code == 75
    settings = Settings.load(tmp_path / "office" / "exchange.toml")
    assert settings.office == "某机关"
    assert [place for place in settings.keys.model_dump().values() if not place.exists()] == []
