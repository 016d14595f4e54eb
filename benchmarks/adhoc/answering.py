"""Answers sets one after another as a resident worker does: ``python benchmarks/adhoc/answering.py CONFIG``; the
package comes from ``PYTHONPATH``. Claims what lies there, answers the first few, says ``ready``, waits for a line,
answers the others and prints, of each of them: milliseconds of processor time of its own and of programs that it ran,
questions to the register, transactions committed.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

from sqlalchemy import event

from exchange import pipeline
from exchange.app import App
from exchange.intake.collect import poll
from exchange.wire.pool import pooled

FIRST = 5
"""Sets that are nobody's figure: imports, certificates and statements are read for the first time."""


def main() -> None:
    counted: Counter[str] = Counter()
    with App.open("bench", Path(sys.argv[1])) as app, pooled():
        poll(app)
        batches = app.register.waiting()
        engine = app.register.engine
        event.listen(engine, "before_cursor_execute", lambda *_: counted.update(["questions"]))
        event.listen(engine, "commit", lambda *_: counted.update(["commits"]))
        for batch in batches[:FIRST]:
            pipeline.run(app, batch)
        counted.clear()
        print("ready", flush=True)
        sys.stdin.readline()
        before, many = os.times(), len(batches[FIRST:])
        for batch in batches[FIRST:]:
            pipeline.run(app, batch)
        after = os.times()
    own = after.user + after.system - before.user - before.system
    programs = after.children_user + after.children_system - before.children_user - before.children_system
    each = [1000 * own / many, 1000 * programs / many, counted["questions"] / many, counted["commits"] / many]
    print(*(f"{figure:.1f}" for figure in each), flush=True)


if __name__ == "__main__":
    main()
