"""``tests/mutants.md``: for each module how many changes there are and how many tests noticed, and what may live."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from exchange.base.paths import ROOT
from tests.mutate.changes import Change, Changed
from tests.mutate.results import Results
from tests.mutate.table import Room, table

FILE: Final = ROOT / "tests" / "mutants.md"
BAR: Final = "\\|"
_HEAD: Final = """# What `make mutate` found

Each place of a rule is changed by turns; a change that no test notices lives. It is killed by a case, or
`tests/mutants.toml` says why it may live (below), or it is open: it lived when it was tried last. Written by `make
mutate`; whoever changes a rule runs its room or file: `make mutate MUTANTS=identity`,
`MUTANTS='exchange.matching.identity.*'`. Tables, and what messages say, are not changed.

| module | changes | killed | may live | open | not tried | day |
|---|---|---|---|---|---|---|
"""


def write(room: Room, files: Sequence[Changed], results: Results) -> list[Change]:
    """Writes what is known of the room's modules, beside what the file says of others; the changes that are open."""
    lived = [each for file in files for each in file.changes if results.of(each).how not in ("killed", "untried")]
    left = [each for each in lived if not table().why(each.where, each.told)]
    rows = {file.module: _row(file, results, lived, left) for file in files}
    opened = [f"- `{each.where}`: `{each.told.replace('`', '')}`" for each in left]
    before = FILE.read_text(encoding="utf-8").splitlines() if FILE.exists() else []
    modules = [module.removesuffix(".py").replace("/", ".").removesuffix(".__init__") for each in table().rooms
               for module in each.modules]  # fmt: skip
    for line in before:
        name = line.split("`")[1] if line.startswith(("| `", "- `")) else ""
        of = max((module for module in modules if f"{name}.".startswith(f"{module}.")), key=len, default="")
        if not of or of in {file.module for file in files}:
            continue
        if line.startswith("- "):
            opened.append(line)
        elif name == of:  # what may live is a table of functions
            rows[of] = line
    parts = [_HEAD + "\n".join(rows[module] for module in modules if module in rows), "## May live", _may_live()]
    if opened:
        parts += ["## Open", "\n".join(opened)]
    FILE.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return left


def _row(file: Changed, results: Results, lived: Sequence[Change], left: Sequence[Change]) -> str:
    counted = [each for each in file.changes if results.of(each).how != "untried"]
    alive, opened = (sum(each.module == file.module for each in some) for some in (lived, left))
    numbers = (len(file.changes), len(counted) - alive, alive - opened, opened, len(file.changes) - len(counted))
    return f"| `{file.module}` | {' | '.join(map(str, numbers))} | {datetime.now(UTC):%Y-%m-%d} |"


def _may_live() -> str:
    lines = [f"| `{each.where}` | `{each.change.replace('|', BAR)}` | {each.why} |" for each in table().may_live]
    return "\n".join(["| where | changed | why |", "|---|---|---|", *lines])
