"""``docs/rooms.md``: the rooms of the package, what each is for and what it may import.

Rules: what is for what stands in the rooms' own docstrings (their first paragraph), what may import what in the import
contract of ``pyproject.toml``; a room that one of the two does not know fails here.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from exchange.base.errors import Halt
from exchange.base.paths import ROOT
from exchange.docs.markdown import table

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_HEAD: Final = """\
<!-- 由 `exchange schemas` 根据 pyproject.toml 和各包的说明生成，请勿手改。 Made by `exchange schemas`. -->
# 程序的结构 · Rooms of the package

自上而下分层：每一层只可引用下面各层，同层之间互不引用；`lint-imports` 每次检查。

The rooms of `exchange/`, in layers: a room may import what stands below it, never what stands above or beside it.
`lint-imports` (`make check`) holds the code to it; the contract is in `pyproject.toml`.

"""

Layers = Sequence[Sequence[str]]


def rooms_page(contracts: Path = ROOT / "pyproject.toml", package: Path = _PACKAGE) -> str:
    """The page in Markdown; Halt where contract and package name different rooms."""
    layers, forbidden = _read(contracts)
    purposes = dict(_purposes(package))
    named = {room for layer in layers for room in layer}
    if different := sorted(named ^ set(purposes)):
        msg = f"{contracts}: {', '.join(different)}: either no room of the package, or in no layer of the contract"
        raise Halt(msg)
    return _HEAD + _picture(layers) + "\n" + _table(layers, purposes) + _forbidden(forbidden)


def _read(contracts: Path) -> tuple[Layers, list[Mapping[str, Any]]]:
    """The layers from top to bottom, and the contracts of what is forbidden beside."""
    content = tomllib.loads(contracts.read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    layered = next(contract for contract in content if contract["type"] == "layers")
    return (
        [[room.strip() for room in layer.split("|")] for layer in layered["layers"]],
        [contract for contract in content if contract["type"] == "forbidden"],
    )


def _purposes(package: Path) -> Iterator[tuple[str, str]]:
    """Each room with the first paragraph of its docstring."""
    for path in sorted(package.iterdir()):
        module = path / "__init__.py" if path.is_dir() else path
        if module.suffix == ".py" and module.exists() and path.name != "__init__.py":
            docstring = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
            yield path.stem, " ".join(docstring.partition("\n\n")[0].split())


def _picture(layers: Layers) -> str:
    """The layers as boxes, top to bottom (Mermaid)."""
    boxes = [f'    layer{number}["{" · ".join(layer)}"]' for number, layer in enumerate(layers)]
    arrows = " --> ".join(f"layer{number}" for number in range(len(layers)))
    return "\n".join(["```mermaid", "flowchart TD", *boxes, f"    {arrows}", "```", ""])


def _table(layers: Layers, purposes: Mapping[str, str]) -> str:
    rows = (
        (str(number), f"`{room}`", purposes[room].replace("``", "`").replace("|", "\\|"))
        for number, layer in enumerate(layers, start=1)
        for room in layer
    )
    return table("层 layer | 房间 room | 用途 what it is for", rows)


def _forbidden(contracts: Sequence[Mapping[str, Any]]) -> str:
    lines = (
        f"- {rule['name']}: {_names(rule['source_modules'])} never import {_names(rule['forbidden_modules'])}.\n"
        for rule in contracts
    )
    return "\n另外禁止 · Forbidden beside:\n\n" + "".join(lines)


def _names(modules: Sequence[str]) -> str:
    return ", ".join(f"`{module}`" for module in modules)
