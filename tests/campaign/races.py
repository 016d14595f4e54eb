"""Two who do the same at once: one did it, and the other says so or did it as well; nobody calls for a person."""

from __future__ import annotations

from typing import Final

from exchange.cli.outcome import HALTED, TRY_AGAIN
from tests.campaign.office import Office
from tests.campaign.works import WORKS

_OF_PEOPLE: Final = ("decide", "approve")
"""Who sits there is told that another was faster, and has to look again: the words are a person's."""

_AHEAD: Final = (0.0, 0.0, 0.05, 0.2, 0.5)
"""Seconds that the first is ahead of the second."""

_LEAST: Final = 3
"""Races of a round."""


def raced(office: Office, name: str) -> tuple[str, list[str]]:
    """Each duty of this work done by two at once; where there are few, done again so."""
    how, wrong = [], []
    with WORKS[name](office) as work:
        for duty in [duty for duty in work.duties for _ in range(max(1, _LEAST // len(work.duties)))]:
            ends = office.race(duty, work.word, office.chance.choice(_AHEAD))
            how.append(f"{duty} ended {' and '.join(str(each.code) for each in ends)}")
            if all(each.code != 0 for each in ends):
                wrong.append(f"{work.word}: {duty}: neither did it: {ends}")
            wrong += [
                f"{work.word}: {duty}: one of two ended with {each.code}: {each.said}"
                for each in ends
                if each.code not in (0, TRY_AGAIN) and not (each.code == HALTED and duty in _OF_PEOPLE)
            ]
            wrong += office.finish(work.word, duty)
        return ", ".join(how), wrong + work.judged()
