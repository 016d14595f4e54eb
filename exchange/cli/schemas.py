"""``exchange schemas``: the files that are generated from the code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import typer

from exchange.agreements.agreement import Agreement
from exchange.base.paths import ROOT, SCHEMAS
from exchange.cli.outcome import FOUND, err, out, outcome
from exchange.desk.sheet import sheet_page
from exchange.docs.fields import agreements_page, file_schema, settings_page
from exchange.docs.guide import with_tables
from exchange.docs.rooms import rooms_page
from exchange.docs.rulebook import rules_page
from exchange.docs.specifications import read_specifications
from exchange.register.diagram import states_page
from exchange.settings import Settings
from exchange.wire.conformance import Certificate
from exchange.wire.manifest import MODELS, Record, json_schema
from exchange.wire.status import Status

commands = typer.Typer(add_completion=False)


def generated() -> Iterator[tuple[Path, str]]:
    """Each generated file and its content."""
    models: dict[str, type[Record]] = {**MODELS, "status": Status, "conformance": Certificate}
    schemas = {name: json_schema(model) for name, model in models.items()}
    schemas |= {"settings": file_schema(Settings), "agreement": file_schema(Agreement)}
    for name, schema in schemas.items():
        yield SCHEMAS / f"{name}.schema.json", json.dumps(schema, ensure_ascii=False, indent=2) + "\n"

    specifications = read_specifications()
    guide = ROOT / "docs" / "partner-guide.md"
    yield guide, with_tables(guide.read_text(encoding="utf-8"), specifications)
    yield ROOT / "docs" / "rules.md", rules_page(specifications)
    yield ROOT / "docs" / "states.md", states_page()
    yield ROOT / "docs" / "rooms.md", rooms_page()
    yield ROOT / "docs" / "settings.md", settings_page(Settings)
    yield ROOT / "docs" / "agreements.md", agreements_page(Agreement)
    yield ROOT / "docs" / "partner-sheet.html", sheet_page()


@commands.command()
def schemas(
    *,
    check: bool = typer.Option(False, "--check", help="只核对哪些文件不是最新 only say which files are not up to date"),
) -> None:
    """生成或核对契约文件。 Write the JSON Schemas and generated documents, or check them."""
    with outcome():
        stale = [
            (path, content)
            for path, content in generated()
            if not path.exists() or path.read_text(encoding="utf-8") != content
        ]
    for path, content in stale:
        if check:
            err.print(f"{path.relative_to(ROOT)} is not up to date; run `exchange schemas`", markup=False)
        else:
            path.write_text(content, encoding="utf-8")
            out.print(f"wrote {path.relative_to(ROOT)}", markup=False)
    if check and stale:
        raise typer.Exit(FOUND)
