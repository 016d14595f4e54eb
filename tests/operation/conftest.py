"""The recovery key, and the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from exchange.cli.main import commands
from exchange.wire.keys import make_certificate

Run = Callable[..., str]


@pytest.fixture(scope="module")
def recovery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recovery")
    for name in ("recovery", "another"):
        make_certificate(folder, name, f"{name} (test)")
    return folder


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    def call(config: Path, *arguments: str, code: int = 0) -> str:
        monkeypatch.setenv("EXCHANGE_CONFIG", str(config))
        result = CliRunner().invoke(commands, list(arguments))
        assert result.exit_code == code, result.output
        return result.output

    return call
