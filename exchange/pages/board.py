"""The board (看板): what is open, how urgent it is, whom it waits for, and what is in trouble.

Rules
- Counted from the register, never from the latest runs of Airflow.
- The number of SQL statements does not depend on the number of batches: 12; with 5,000 open beside 20,000 ended 0.57 s,
  0.09 of it in the database, on two quiet cores (``make bench-pages``).
- The filter stands in the URL, and in a cookie for the next visit; unknown values are ignored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from urllib.parse import parse_qsl, urlencode

from fastapi.responses import Response

from exchange.app import App
from exchange.calendar.working_days import office_day
from exchange.pages import words
from exchange.pages.asked import Failure, PageRequest
from exchange.pages.paging import page_of
from exchange.pages.standing import standing
from exchange.pages.troubles import Agreements, agreements, troubles
from exchange.register import State
from exchange.register.board import OpenLine, open_lines
from exchange.register.guard import GuardHold
from exchange.register.waiting import open_rows
from exchange.supervision import labels
from exchange.supervision.labels import Words
from exchange.supervision.report import office_name
from exchange.supervision.today import GUARD, INQUIRY, LEADER, RETURNED, SOFTWARE, SOURCE, OpenBatch, Urgency, picture
from exchange.watch.deadlines import dues_of, pauses_of

COOKIE: Final = "exchange_board"
_FILTERS: Final = ("partner", "level", "state", "urgency", "waits")
_LEVELS: Final = ("province", "city", "county")
_FAILED: Final = "failed"
_STATES: Final = {_FAILED: Words("任务失败", "failed")} | {
    state.value: words.STATES[state] for state in (State.CLAIMED, State.ACCEPTED, State.PREPARED, State.DELIVERED)
}
_OFFICER: Final = Words("民警核实", "an officer")
_TILES: Final = (Urgency.LATE, Urgency.TODAY, Urgency.AT_RISK, Urgency.PAUSED)
_WAITING: Final = {"officer": _OFFICER, "leader": LEADER, "source": SOURCE, "software": SOFTWARE}


@dataclass(frozen=True)
class BoardLine:
    """One open batch as the table shows it."""

    id: str
    partner: str
    purpose: str
    rows: int | None
    cycle: Words | None
    urgency: Urgency
    due: str
    left: Words
    state: Words
    since: str
    waits: Mapping[str, Mapping[Words, int]]
    failure: Failure | None
    held: GuardHold | None

    @property
    def tripped(self) -> list[Words]:
        """Why its result is held."""
        return [labels.trip(limit) for limit in self.held.tripped] if self.held else []


def board(asked: PageRequest) -> Response:
    """The board: all open batches, as far as they fit the filter."""
    query = dict(asked.request.query_params)
    known, today = agreements(asked.app), office_day(asked.app.now())
    wanted = _wanted(query or dict(parse_qsl(asked.request.cookies.get(COOKIE, ""))), known)
    lines = open_lines(asked.app.register.engine)
    failures = asked.context.failures_of(line.batch for line in lines)
    batches = open_picture(asked.app, lines, today, every=True)
    chosen = [line for line in batches if _fits(line, known, wanted, failures)]
    page = page_of(chosen, query.get("page"))
    since = {line.batch.id: line.since for line in lines}
    held = {hold.batch: hold for hold in asked.app.register.guard.holds()}
    answer = asked.page(
        "board.html",
        today=today,
        lines=[
            _line(line, since[line.batch.id], known, today, failures, held.get(line.batch.id)) for line in page.rows
        ],
        page=page,
        tiles=_tiles(batches),
        waiting=_waiting_tiles(batches),
        wanted=wanted,
        query=urlencode(wanted),
        partners=known,
        levels=_LEVELS,
        states=_STATES,
        level=labels.level,
        urgencies=Urgency,
        waits=_WAITING,
        failed=len(failures),
        troubles=troubles(asked.app),
        standing=standing(asked.app),
        moment=words.moment(asked.app.now())[-5:],
    )
    path = asked.request.scope.get("root_path", "") + "/board"
    answer.set_cookie(COOKIE, urlencode(wanted), max_age=30 * 86_400, path=path, httponly=True, samesite="lax")
    return answer


def open_picture(app: App, lines: Sequence[OpenLine], today: date, *, every: bool = False) -> list[OpenBatch]:
    """These open batches, the most urgent first. ``every``: they are all there are, and need not be named to the
    register one by one.
    """
    policy, named = app.settings.policy, None if every else [line.batch.id for line in lines]
    batches = [(line.batch, line.stops) for line in lines]
    return picture(
        dues_of(app, batches),
        open_rows(app.register.engine, named),
        today,
        lambda division: office_name(app.settings, division),
        paused=pauses_of(batches),
        half=policy.warn_half,
        days=policy.warn_days,
    )


def _line(
    line: OpenBatch,
    since: datetime,
    known: Agreements,
    today: date,
    failures: Mapping[str, Failure],
    held: GuardHold | None,
) -> BoardLine:
    batch, code = line.batch, line.batch.purpose or ""
    partner, _, purposes = known.get(batch.partner, (batch.partner, None, {}))
    is_paused = line.urgency is Urgency.PAUSED
    return BoardLine(
        batch.id,
        partner,
        purposes.get(code, code),
        batch.rows_in,
        labels.cycle(batch.cycle) if batch.cycle else None,
        line.urgency,
        f"{line.due.day}{'（暂定）' if line.due.provisional else ''}",
        Words("停止计时", "paused") if is_paused else words.left(line.due.counted, line.due.day, today),
        words.STATES[batch.state],
        words.moment(since),
        _by_kind(line.waits),
        failures.get(batch.id),
        held,
    )


def _by_kind(waits: Mapping[Words, int]) -> dict[str, dict[Words, int]]:
    """Whom it waits for, by the kind that a tile counts."""
    kinds = {
        LEADER: "leader",
        GUARD: "leader",
        SOURCE: "source",
        SOFTWARE: "software",
        INQUIRY: "officer",
        RETURNED: "officer",
    }
    by_kind: dict[str, dict[Words, int]] = {}
    for whom, rows in waits.items():
        by_kind.setdefault(kinds.get(whom, "officer"), {})[whom] = rows
    return by_kind


def _tiles(batches: Iterable[OpenBatch]) -> list[tuple[Urgency, int]]:
    counts = Counter(line.urgency for line in batches)
    return [(urgency, counts[urgency]) for urgency in _TILES]


def _waiting_tiles(open_batches: Iterable[OpenBatch]) -> list[tuple[str, Words, int, int]]:
    """Kind, words, batches and rows."""
    batches: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    for line in open_batches:
        for kind, whom in _by_kind(line.waits).items():
            batches[kind] += 1
            rows[kind] += sum(whom.values())
    return [(kind, whom, batches[kind], rows[kind]) for kind, whom in _WAITING.items()]


def _wanted(query: Mapping[str, str], known: Agreements) -> dict[str, str]:
    """What is filtered by; a value that no list offers would hide every batch while the lists say *all*."""
    offered = (known, _LEVELS, _STATES, [urgency.name.lower() for urgency in Urgency], _WAITING)
    return {name: query[name] for name, values in zip(_FILTERS, offered, strict=True) if query.get(name, "") in values}


def _fits(line: OpenBatch, known: Agreements, wanted: Mapping[str, str], failures: Mapping[str, Failure]) -> bool:
    return (
        wanted.get("state") in (None, line.batch.state.value, _FAILED if line.batch.id in failures else None)
        and wanted.get("partner") in (None, line.batch.partner)
        and ("level" not in wanted or wanted["level"] == known.get(line.batch.partner, ("", None, {}))[1])
        and wanted.get("urgency") in (None, line.urgency.name.lower())
        and ("waits" not in wanted or wanted["waits"] in _by_kind(line.waits))
    )


PAGES: Final = {"board": board}
