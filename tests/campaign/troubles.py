"""Trouble around the office while one duty of some work is done: that ends in order, and once the trouble is over, a
retry does what is left.

Rules
- Trouble begins before the duty or at any moment of it, and is over when the duty has ended.
- A duty that met trouble ends done, to be tried again, or with a call for a person (``Halt``) where the kind of
  trouble is one that a person has to end; anything else is wrong.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Final

from exchange.cli.outcome import HALTED, TRY_AGAIN
from tests.campaign.office import Office
from tests.campaign.works import WORKS

_SAID: Final = 200
"""Letters of what a duty said that was not done."""

TO_A_PARTNER: Final = ("collect", "receive", "deliver", "batch", "issue")
"""The duties that speak with a partner's server."""

_UNKNOWN: Final = 2.0
"""Seconds of a duty that was not done yet; trouble begins before or while it lasts."""


@dataclass(frozen=True)
class Trouble:
    """``begun``: stands inside; ``for_a_person``: a duty may call for one; ``before``: it never begins later;
    ``met_by``: the duties that it can befall, all where none is named.
    """

    words: str
    begun: Callable[[], AbstractContextManager[None]]
    for_a_person: bool = True
    before: bool = False
    met_by: tuple[str, ...] = ()


def troubled(office: Office, name: str, drawn: Callable[[Office], Trouble]) -> tuple[str, list[str]]:
    """One duty of this work meets the trouble; all are done."""
    with WORKS[name](office) as work:
        trouble, wrong = drawn(office), list[str]()
        unlucky = office.chance.choice([each for each in work.duties if each in trouble.met_by] or work.duties)
        how = f"{trouble.words}, while {unlucky}"
        for duty in work.duties:
            if duty == unlucky:
                code, said = _meanwhile(office, duty, work.word, trouble)
                how += f", which ended {code}" + (f": {' '.join(said.split())[-_SAID:]}" if code else "")
                allowed = (0, TRY_AGAIN, HALTED) if trouble.for_a_person else (0, TRY_AGAIN)
                wrong += [] if code in allowed else [f"{work.word}: {duty} ended with {code}: {said}"]
            wrong += office.finish(work.word, duty)
        return how, wrong + work.judged()


def _meanwhile(office: Office, duty: str, word: str, trouble: Trouble) -> tuple[int, str]:
    """The duty, and the trouble from a moment of it on."""
    wait = (
        0.0
        if trouble.before
        else office.chance.choice([0.0, office.chance.uniform(0, office.lasts.get(duty, _UNKNOWN))])
    )
    with ExitStack() as undone, ThreadPoolExecutor(1) as beside:
        if not wait:
            undone.enter_context(trouble.begun())
            return office.run(word, duty=duty)

        def begin() -> None:
            time.sleep(wait)
            undone.enter_context(trouble.begun())

        begins = beside.submit(begin)
        ended = office.run(word, duty=duty)
        begins.result()
        return ended
