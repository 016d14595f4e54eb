"""One table of many runs of the campaign, written between the markers of ``docs/campaign.md``.

    python -m tests.campaign.report [FILE …]        by default var/campaign/*.jsonl

Rule: a kill point is a duty, a place and its number there; the place without the number is counted, too, because two
numbers may be the same place twice.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from exchange.base.paths import ROOT
from tests.campaign.story import Story, told

_WORLD: Final = re.compile(r"/\S*?campaign-\w{8}/")
"""Where a campaign's world lies on its machine."""

PAGE: Final = ROOT / "docs" / "campaign.md"
BEGIN: Final = "<!-- campaign: written by python -m tests.campaign.report -->"
END: Final = "<!-- end -->"
_HEAD: Final = (
    "harm", "rounds", "survived", "kills", "kill points", "distinct", "distinct places", "races",
    "to recovery, s: median", "most",
)  # fmt: skip


def table(stories: Sequence[Story]) -> list[str]:
    """A line for each kind of harm, and one for all."""
    names = sorted({story.harm for story in stories})
    lines = [_line(name, [story for story in stories if story.harm == name]) for name in names]
    return [_row(_HEAD), _row(["---"] * len(_HEAD)), *lines, _line("all", stories)]


def _line(name: str, stories: Sequence[Story]) -> str:
    points = [point for story in stories for point in story.points]
    places = {point.rpartition(" #")[0] for point in points}
    seconds = [each for story in stories for each in story.recovered]
    survived, kills = sum(not story.wrong for story in stories), sum(story.kills for story in stories)
    counted = [len(stories), survived, kills, len(points), len({*points}), len(places)]
    spans = [f"{each(seconds):.1f}" if seconds else "" for each in (median, max)]
    return _row([name, *map(str, counted), str(sum(story.races for story in stories)), *spans])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def flagged(stories: Sequence[Story]) -> list[str]:
    """Each round in which something was wrong, by its first words."""
    lines = [f"- seed {story.seed}, {story.harm}: {_plain(story.wrong[0])}" for story in stories if story.wrong]
    return lines or ["- nothing"]


def _plain(words: str) -> str:
    """One line of it, no path of a machine."""
    return _WORLD.sub("", " ".join(words.split()))[:300].replace("|", "/")


def page(stories: Sequence[Story]) -> str:
    """What stands between the markers."""
    seeds = sorted({story.seed for story in stories})
    hours = sum(story.seconds for story in stories) / 3600
    days = sorted({story.began[:10] for story in stories})
    about = (
        f"{len(stories)} rounds in {hours:.1f} hours of rounds, {days[0]} to {days[-1]}, seeds "
        f"{', '.join(str(seed) for seed in seeds)}."
    )
    return "\n".join([BEGIN, "", about, "", *table(stories), "", "Flagged:", "", *flagged(stories), "", END])


def main(files: Iterable[Path]) -> None:
    stories = list(told(files))
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    PAGE.write_text(before + page(stories) + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]] or sorted((ROOT / "var" / "campaign").glob("*.jsonl")))
