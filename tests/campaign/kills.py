"""Killed: at an audit event, before a system call, at any moment; some times in a row, then done."""

from __future__ import annotations

import signal
from typing import Any, Final

from exchange.cli.outcome import TRY_AGAIN
from tests.campaign import tracer
from tests.campaign.office import Office
from tests.campaign.works import WORKS

_UNKNOWN_EVENTS: Final = 1500
"""Of a duty that was not seen yet."""


def killed(office: Office, name: str) -> tuple[str, list[str]]:
    """Each duty of this work killed some times on its way, and done again."""
    how, wrong = list[str](), list[str]()
    with WORKS[name](office) as work:
        each = max(1, office.kills // len(work.duties))
        for duty in work.duties:
            for _ in range(office.chance.randint(min(1, each - 1), each)):
                how.append(_kill(office, duty, work.word, wrong))
                if how[-1].endswith(" ended 0"):
                    break  # done; behind that there is little to kill
            wrong += office.finish(work.word, duty)
        return ", ".join(how), wrong + work.judged()


def whole_way(office: Office) -> tuple[str, list[str]]:
    """The collector's look and the batch's whole way in one process, as without Airflow."""
    batch, wrong = office.drop(), list[str]()
    how = [_kill(office, "batch", batch, wrong) for _ in range(office.chance.randint(2, max(2, office.kills // 2)))]
    return ", ".join(how), wrong + office.finish(batch) + office.check(batch)


def _kill(office: Office, duty: str, word: str, wrong: list[str]) -> str:
    """Once, somewhere; what was done. Who lives on, as a program of its own was killed, says that it be tried again."""
    asked = {"duty": duty, "word": word} | _drawn(office, duty)
    ended = office.work(asked)
    how = " ".join(str(each) for name, each in asked.items() if name != "word")
    if ended.code not in (0, -signal.SIGKILL, TRY_AGAIN):
        wrong.append(f"{word}: {how}, ended with {ended.code}: {ended.said}")
    wrong += office.changed(office.sent())
    return f"{how} ended {ended.code}"


def _drawn(office: Office, duty: str) -> dict[str, Any]:
    way = office.chance.choice(["event", "event", "event", "call", "call", "time"])
    known = [call for call in tracer.CALLS if office.calls[duty, call]]
    if way == "call" and known:
        call = office.chance.choice(known)
        return {"call": call, "number": office.chance.randint(1, office.calls[duty, call])}
    if way == "time":
        return {"after": round(office.chance.uniform(0.05, office.lasts.get(duty, 1.5)), 2)}
    return {"event": office.chance.randint(1, office.events.get(duty, _UNKNOWN_EVENTS))}
