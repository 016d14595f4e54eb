"""``make campaign``: for so many seconds random harm to an office at work, each round judged from outside.

    python -m tests.campaign [--seconds N] [--seed N] [--to FILE] [PART | HARM …]

Prints a line a round, then a table; status 1 where something was lost, sent twice, left behind, or believed without
proof. Each round is also a line of the file, from which ``tests.campaign.report`` makes one table of many runs.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from exchange.demo.world import World
from tests.campaign.disks import mounted
from tests.campaign.harms import HARMS, PARTS, SHARES, lacking
from tests.campaign.office import Office
from tests.campaign.options import kept, options, say
from tests.campaign.report import table
from tests.campaign.settings import PEOPLE, build
from tests.campaign.story import Story


def main(asked: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder:
        world = World(Path(folder))
        with mounted(world) as with_disks:
            try:
                build(world)
                left = lacking(with_disks=with_disks)
                with closing(Office(world, PEOPLE, random.Random(asked.seed))) as office:  # noqa: S311  (no secret)
                    return campaign(office, asked, named(asked.named, left))
            finally:
                world.stop_servers()


def named(words: Sequence[str], left: Mapping[str, str]) -> dict[str, list[str]]:
    """Part → its harms, of those that are named by part or by name; all where none is. What this machine does not let
    be done is left out, and said.
    """
    for name, why in left.items():
        say(f"left out: {name}: {why}")
    chosen: dict[str, list[str]] = {}
    for name in HARMS.keys() - left.keys():
        part = name.partition(":")[0]
        if not words or part in words or name in words:
            chosen.setdefault(part, []).append(name)
    return {part: sorted(chosen[part]) for part in PARTS if part in chosen}


def campaign(office: Office, asked: argparse.Namespace, parts: Mapping[str, Sequence[str]]) -> int:
    office.begin()
    ends, told = time.monotonic() + asked.seconds, list[Story]()
    while time.monotonic() < ends:
        [part] = office.chance.choices([*parts], [SHARES[part] for part in parts])
        harm = office.chance.choice(parts[part])
        told.append(round_of(office, harm, asked.seed))
        kept(told[-1], asked.to)
    say("\n".join(["", f"seed {asked.seed}", *table(told)]))
    return min(1, sum(len(story.wrong) for story in told))


def round_of(office: Office, harm: str, seed: int) -> Story:
    office.story = Story(seed, datetime.now(UTC).isoformat(timespec="seconds"), harm)
    begun = time.monotonic()
    try:
        office.story.done, office.story.wrong = HARMS[harm](office)
    except Exception as error:  # the campaign's own fault, or something that nobody foresaw: told, and the next round
        traceback.print_exc()
        office.story.wrong = [f"the round itself ended with {type(error).__name__}: {error}"]
    office.story.seconds = time.monotonic() - begun
    return office.story


def arguments() -> argparse.Namespace:
    parser = options("python -m tests.campaign")
    parser.add_argument("named", nargs="*", metavar="PART or HARM", help=f"{', '.join(PARTS)}, or the name of a harm")
    asked = parser.parse_args()
    if unknown := set(asked.named) - PARTS.keys() - HARMS.keys():
        parser.error(f"neither a part nor a harm: {', '.join(sorted(unknown))}; harms: {', '.join(sorted(HARMS))}")
    return asked


if __name__ == "__main__":
    sys.exit(main(arguments()))
