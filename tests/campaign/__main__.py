"""``make campaign``: for so many seconds random harm to an office at work, each round judged from outside.

    python -m tests.campaign [SECONDS [SEED [HARM …]]]

Prints a line a round, then a table; status 1 where something was lost, sent twice, or believed without proof.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from exchange.demo.world import World
from tests.campaign.harms import HARMS
from tests.campaign.office import Office

PEOPLE = 3000


def main(seconds: float, seed: int, names: Sequence[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder:
        world = World(Path(folder))
        try:
            world.build(lambda _: None, people=PEOPLE)
            # the same people are asked about again and again
            text = world.config.read_text(encoding="utf-8")
            world.config.write_text(text.replace("[policy]\n", "[policy]\nguard_holds = false\n"), encoding="utf-8")
            with closing(Office(world, PEOPLE, random.Random(seed))) as office:  # noqa: S311  (no secret)
                return campaign(office, seconds, seed, names)
        finally:
            world.stop_servers()
            world.postgres.remove()


def campaign(office: Office, seconds: float, seed: int, names: Sequence[str]) -> int:
    office.begin()
    ends, rounds, found = time.monotonic() + seconds, Counter[str](), Counter[str]()
    while time.monotonic() < ends:
        name = office.chance.choice(names)
        begun = time.monotonic()
        done, wrong = HARMS[name](office)
        rounds[name] += 1
        found[name] += bool(wrong)
        say(f"{sum(rounds.values()):4} {name}: {done}; {time.monotonic() - begun:.1f} s")
        for each in wrong:
            say(f"     WRONG {each}")
    say(f"seed {seed}")
    for name, number in sorted(rounds.items()):
        say(f"{name:12} {number:5} rounds, {found[name]} with something wrong")
    return min(found.total(), 1)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    arguments = sys.argv[1:]
    drawn = int(arguments[1]) if len(arguments) > 1 else random.SystemRandom().randint(0, 1 << 32)
    sys.exit(main(float(arguments[0]) if arguments else 600, drawn, arguments[2:] or [*HARMS]))
