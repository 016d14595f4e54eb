"""Lets the office of whatever commit PYTHONPATH names answer the sets that ``asked.py`` wrote; each opened result goes
to a file.

    python answer.py SETS RESULTS

Stands by itself and asks for nothing that an earlier commit has not: only what is imported here.
"""

from __future__ import annotations

import base64
import json
import shutil
import sys
import tempfile
from pathlib import Path

from exchange import pipeline
from exchange.app import App
from exchange.demo.partner import Request
from exchange.demo.play import demo_partner
from exchange.demo.world import PARTNERS, World
from exchange.intake.collect import poll


def answer(sets: Path, results: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="same-answers-") as folder:
        world = World(Path(folder))
        for made in ("exports", "keys"):
            shutil.copytree(sets / made, world.root / "office" / made)
        try:
            world.build(lambda _: None, people=1)
            settings = world.config.read_text(encoding="utf-8")
            world.config.write_text(settings.replace("[policy]\n", "[policy]\nguard_holds = false\n"), encoding="utf-8")
            with App.open("same answers", world.config) as app:
                for given in json.loads((sets / "sets.json").read_text(encoding="utf-8")):
                    _answer(app, world, given, results)
        finally:
            world.stop_servers()
            world.postgres.remove()


def _answer(app: App, world: World, given: dict[str, str], results: Path) -> None:
    asked = given | {"data": base64.b64decode(given["data"])}
    batch = given["batch"]
    partner = demo_partner(world, next(each for each in PARTNERS if batch.startswith(f"{each.id}.")))
    partner.drop(partner.make_set(Request(**asked)))  # type: ignore[arg-type]
    poll(app)
    if not pipeline.run(app, batch):
        receipt = partner.verified(f"{batch}.receipt.json")
        (results / f"{batch}.refused").write_text(json.dumps(receipt.get("reason", receipt.get("code"))))
        return
    result = partner.result(batch)
    (results / f"{batch}.answers.json").write_text(json.dumps(result.manifest["answers"], sort_keys=True, indent=1))
    (results / f"{batch}{Path(result.manifest['plain']['name']).suffix}").write_bytes(result.data)


if __name__ == "__main__":
    answer(Path(sys.argv[1]), Path(sys.argv[2]))
