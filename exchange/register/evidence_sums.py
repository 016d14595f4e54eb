"""The counts of the guard's evidence added up: of one partner or of all, over spans of half a year.

Rules
- Evidence is only added, and its counts never change: the sums of whole quarters of an hour that are over are read once
  by a process and kept for an hour, and those that are over since are added to them. Of a span only what lies before
  its first whole quarter and behind its last one is read anew, by the index of the moments, and once for all spans that
  share it: in a stream of sets that is all of the last ten to twenty-five minutes.
- A quarter is over ten minutes after its end, by this machine's clock: no transaction that adds evidence takes as long.
  Where the clock was set since, all is read anew: what was over may come again.
- What gets there later all the same, as from a machine whose clock is behind by more, or was for a while in which this
  process asked nothing, is missed for an hour at most.

Figures: decision 28.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from time import monotonic
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sqlalchemy import ARRAY, DateTime, Engine, Integer, bindparam, text
from sqlalchemy.orm import Session

from exchange.guard.rules import Counts
from exchange.register.lines import now

_QUARTER: Final = 900  # seconds
_LEAST: Final = timedelta(microseconds=1)
_SETTLED: Final = timedelta(minutes=10)
_KEPT: Final = timedelta(hours=1)
_SET_SECONDS: Final = 60.0
"""A clock that went otherwise than time by more was set."""

_SUMS: Final = "sum(e.rows), sum(e.no_such_number), sum(e.name_disagrees), count(*) FILTER (WHERE e.numbers <> '')"
_OF_PARTNER: Final = "(SELECT partner FROM batch WHERE batch.id = guard_evidence.batch_id) = :partner"
_QUARTERS: Final = """
SELECT floor(extract(epoch FROM e.at) / {quarter})::bigint, {sums} FROM guard_evidence AS e {joined}
WHERE e.at >= :begin AND e.at < :end GROUP BY 1 ORDER BY 1"""
_QUARTERS_OF_ALL: Final = text(_QUARTERS.format(quarter=_QUARTER, sums=_SUMS, joined=""))
_QUARTERS_OF_ONE: Final = text(
    _QUARTERS.format(quarter=_QUARTER, sums=_SUMS, joined="JOIN batch ON batch.id = batch_id AND partner = :partner")
)
_COLUMNS: Final = ("spans", "begins", "ends")
_EDGES: Final = """
SELECT span, {sums} FROM unnest(:spans{whose}, :begins{whose}, :ends{whose}) AS edge (span, begin_at, end_at),
LATERAL (SELECT * FROM guard_evidence WHERE at > begin_at AND at <= end_at {of_partner} OFFSET 0) AS e GROUP BY 1"""
_EDGES_OF_BOTH: Final = text(
    _EDGES.format(sums=_SUMS, whose="", of_partner=f"AND {_OF_PARTNER}")
    + " UNION ALL"
    + _EDGES.format(sums=_SUMS, whose="_of_all", of_partner="")
).bindparams(
    *[
        bindparam(f"{name}{whose}", type_=ARRAY(Integer if name == "spans" else DateTime(timezone=True)))
        for name in _COLUMNS
        for whose in ("", "_of_all")
    ]
)
"""Each edge by the index of the moments, whose a row of it is by the batch's key (``OFFSET 0``): PostgreSQL does not
know that few rows lie in one, and went through all evidence.
"""

Span = tuple[datetime, datetime]
"""Its begin not included, its end included."""

Sums = npt.NDArray[np.int64]
"""int64[…, 4]: rows, those without such a number, those whose name disagrees; how many batches have hashes of rows that
failed.
"""


@dataclass(frozen=True)
class _Quarters:
    """Sums of whole quarters. ``numbers``: int64[n] ascending, counted since 1970, those that have evidence;
    ``added_up``: int64[n + 1, 4], the sums of all before each, and of all; ``begin``, ``end``: which were read, the end
    not included; ``read_at``: when, by the clock and by the time that passes.
    """

    numbers: npt.NDArray[np.int64]
    added_up: npt.NDArray[np.int64]
    begin: int
    end: int
    read_at: tuple[datetime, float]

    def is_old(self, passed: float) -> bool:
        """Whether it was read long ago."""
        return passed - self.read_at[1] >= _KEPT.total_seconds()

    def is_by_another(self, clock: datetime, passed: float) -> bool:
        """Whether somebody has set the clock since it was read."""
        drift = (clock - self.read_at[0]).total_seconds() - (passed - self.read_at[1])
        return abs(drift) >= _SET_SECONDS

    def between(self, begin: int, end: int) -> Sums:
        """int64[4], of those from the one to before the other."""
        first, last = np.searchsorted(self.numbers, [begin, end])
        sums: Sums = self.added_up[last] - self.added_up[first]
        return sums


@lru_cache(maxsize=8)
def kept(_engine: Engine) -> dict[str | None, _Quarters]:
    """What this process has read from this database, by partner; None: of all."""
    return {}


def counts_of(sums: Sums) -> Counts:
    """The counts in one row of sums."""
    return Counts(*map(int, sums[:3]))


def added_up(session: Session, partner: str, spans: Sequence[Span], of_all: Sequence[Span]) -> Sums:
    """int64[k, 4]: of each of these spans the sums of the partner's evidence, then of those ``of_all`` everybody's."""
    whose = [(partner, spans), (None, of_all)]
    sums, edges, asked_for = np.zeros((0, 4), np.int64), list[list[int]](), dict[str, Any](partner=partner)
    for name, (of_whom, asked) in zip(("", "_of_all"), whose, strict=True):
        quarters = _quarters(session, of_whom, min(begin for begin, _ in asked))
        around = dict[Span, list[int]]()  # by edge, the sums that it is part of: most spans end with the same one
        for begin, end in asked:
            first, last = _quarter(begin) + 1, min(_quarter(end), quarters.end)
            last = max(first, last)
            for edge in ((begin, min(end, _before(first))), (_before(last), end)):
                if edge[0] < edge[1]:
                    around.setdefault(edge, []).append(len(sums))
            sums = np.vstack([sums, quarters.between(first, last)])
        numbers = range(len(edges), len(edges) + len(around))
        columns = [*numbers], [begin for begin, _ in around], [end for _, end in around]
        asked_for |= {f"{column}{name}": values for column, values in zip(_COLUMNS, columns, strict=True)}
        edges += around.values()
    for number, *edge_sums in session.execute(_EDGES_OF_BOTH, asked_for):
        sums[edges[number]] += np.array([*map(int, edge_sums)])
    return sums


def _quarters(session: Session, partner: str | None, since: datetime) -> _Quarters:
    """The sums of the whole quarters since then that are over; read anew where the kept ones do not serve."""
    of_database, clock, passed = kept(session.get_bind().engine), now(), monotonic()
    if (everybodys := of_database.get(None)) is not None and everybodys.is_by_another(clock, passed):
        of_database.clear()  # each question asks for everybody's, and so notices a clock that is put back and ahead
    quarters, begin = of_database.get(partner), _quarter(since) + 1
    end = max(begin, _quarter(clock - _SETTLED))
    if quarters is None or quarters.is_old(passed) or quarters.begin > begin:
        none = _Quarters(np.zeros(0, np.int64), np.zeros((1, 4), np.int64), begin, begin, (clock, passed))
        quarters = of_database[partner] = _with_more(session, partner, none, end)
    elif quarters.end < end:
        quarters = of_database[partner] = _with_more(session, partner, quarters, end)
    return quarters


def _with_more(session: Session, partner: str | None, quarters: _Quarters, end: int) -> _Quarters:
    """The same with those that follow them before ``end``."""
    question = _QUARTERS_OF_ALL if partner is None else _QUARTERS_OF_ONE
    asked: dict[str, Any] = {"begin": _start(quarters.end), "end": _start(end)}
    found = session.execute(question, asked if partner is None else asked | {"partner": partner})
    table = np.array([[*map(int, row)] for row in found], np.int64).reshape(-1, 5)
    sums = quarters.added_up[-1] + np.cumsum(table[:, 1:], axis=0)
    numbers = np.concatenate([quarters.numbers, table[:, 0]])
    return replace(quarters, numbers=numbers, added_up=np.vstack([quarters.added_up, sums]), end=end)


def _quarter(moment: datetime) -> int:
    return int(moment.timestamp() // _QUARTER)


def _start(quarter: int) -> datetime:
    return datetime.fromtimestamp(quarter * _QUARTER, UTC)


def _before(quarter: int) -> datetime:
    """The last moment before it."""
    return _start(quarter) - _LEAST
