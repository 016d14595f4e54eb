"""``python -m benchmarks.desk``: the partner's desk in a real Chromium, opened from disk, over lists of many rows.

Rules
- The page of a demo partner; dirty lists with six columns, as a partner's program saves them: CSV in GB18030, or XLSX.
- Seconds from the file's choice to the verdict on the screen; the longest time in which the page answered nothing; the
  most memory that Chromium's renderers had.
"""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import polars as pl
import typer

from exchange.agreements.agreement import load_agreement
from exchange.base.files import make_folder
from exchange.base.paths import ROOT
from exchange.demo.play import to_csv, to_xlsx
from exchange.demo.province.claims import make_claims
from exchange.demo.province.people import make_people
from exchange.demo.world import PARTNERS, SEED, World
from exchange.desk.page import make_desk
from exchange.settings import Settings

_PARTNER: Final = PARTNERS[2]
_ITEMS: Final = ("id_number", "name", "sex", "birth_date", "registered_address")
_LIMIT_SECONDS: Final = 900
_WATCHED: Final = """
    let last = performance.now(); window.stalled = 0;
    setInterval(() => {
        const now = performance.now();
        window.stalled = Math.max(window.stalled, now - last);
        last = now;
    }, 20);
    document.querySelector("#check-file").addEventListener("change", () => (window.began = performance.now()), true);
"""
_SEEN: Final = "({seconds: (performance.now() - window.began) / 1000, stalled: window.stalled / 1000})"


def main(
    rows: Annotated[str, typer.Option(help="rows of each list, apart by blanks")] = "100000 1000000",
    forms: Annotated[str, typer.Option(help="csv, xlsx, or both apart by a blank")] = "csv",
    world: Annotated[Path, typer.Option(help="a folder for the page and the lists")] = Path("var/bench/desk"),
) -> None:
    """Prints a line for each list."""
    folder = make_folder(world.resolve())
    page = a_page(folder)
    for many, form in itertools.product(map(int, rows.split()), forms.split()):
        data = a_list(folder, many, form)
        seconds, stalled, memory = checked(page, folder, data, many)
        print(
            f"{many:>9,} rows, {form:>4}, {data.stat().st_size / 2**20:5.1f} MiB: {seconds:6.1f} s, "
            f"longest stall {stalled:4.2f} s, {memory:6.0f} MiB",
            flush=True,
        )


def a_page(folder: Path) -> Path:
    """The desk of one demo partner."""
    world = World(folder / "world")
    try:
        world.build(lambda _: None, people=3000)
    finally:
        world.stop_servers()
    settings = Settings.load(world.config)
    agreement = load_agreement(settings.agreements / f"{_PARTNER.id}.toml")
    page = folder / "desk.html"
    page.write_bytes(make_desk(agreement, settings.keys, settings.policy.oldest_period_days))
    return page


def a_list(folder: Path, rows: int, form: str) -> Path:
    """Claims about invented people, with dirt."""
    path = folder / f"{rows}.{form}"
    if not path.exists():
        people = pl.concat(list(make_people(SEED, rows + rows // 5)))
        nobody = pl.Series("id_number", [], dtype=pl.String)
        claims = make_claims(people, nobody, _ITEMS, rows, SEED)
        of_gb18030 = to_csv(claims.rows, chinese=True).decode().encode("gb18030")
        path.write_bytes(of_gb18030 if form == "csv" else to_xlsx(claims.rows))
    return path


def checked(page: Path, folder: Path, data: Path, rows: int) -> Sequence[float]:
    """Seconds, longest stall in seconds, MiB."""
    steps: list[dict[str, Any]] = [
        {"do": "evaluate", "script": _WATCHED},
        {"do": "upload", "at": "#check-file", "files": [str(data)]},
        {"do": "wait", "at": "#check-outcome", "text": f"共 {rows} 行"},
        {"do": "evaluate", "script": _SEEN},
        {"do": "used"},
    ]
    node = shutil.which("node")
    if node is None:
        sys.exit("node is not installed: apt-get install nodejs npm")
    given = {"page": str(page), "downloads": str(make_folder(folder / "saved")), "steps": steps}
    done = subprocess.run(
        [node, str(ROOT / "desk" / "test" / "browser.mjs")],
        input=json.dumps(given | dict.fromkeys(("step", "limit"), _LIMIT_SECONDS * 1000)),
        capture_output=True, text=True, check=False, timeout=_LIMIT_SECONDS * 2,
    )  # fmt: skip
    if done.returncode:
        sys.exit(done.stderr[-4000:])
    *_, seen, memory = json.loads(done.stdout)["gave"]
    return seen["seconds"], seen["stalled"], memory


if __name__ == "__main__":
    typer.run(main)
