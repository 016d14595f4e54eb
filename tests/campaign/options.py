"""What a campaign is asked by on the command line, and where it tells its rounds."""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path
from typing import Final

from exchange.base.files import make_folder
from exchange.base.paths import ROOT
from tests.campaign.story import Story

STORIES: Final = ROOT / "var" / "campaign"


def options(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randint(0, 1 << 32))
    parser.add_argument("--to", type=Path, help="the rounds, a line each; by default var/campaign/SEED.jsonl")
    return parser


def kept(story: Story, to: Path | None) -> None:
    """Printed, and a line more of the file."""
    path = to or STORIES / f"{story.seed}.jsonl"
    make_folder(path.parent)
    with path.open("a", encoding="utf-8") as file:
        file.write(story.line() + "\n")
    say(f"{story.harm}: {story.done}; {story.seconds:.1f} s")
    for each in story.wrong:
        say(f"     WRONG {each}")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
