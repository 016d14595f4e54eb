"""The answers of a batch as they stand, computed anew each time from what is kept: no plain answer is stored anywhere.

Rules
- A test batch is answered from the invented province, any other from the sources' snapshots; neither can name a version
  of the other, and a version says of itself which it is. The province is never too old.
- The versions of the snapshots are pinned in the register with the acceptance where all that are asked are fresh by
  then, else at the first try; whoever asks later uses the same ones.
- Days are counted from the day of receipt, not from today, so that the same batch is answered the same on any day.
- Rows that had to wait for a source are matched a second time (second pass), against versions that are pinned once all
  sources of the batch are fresh.
- What an officer decided stands over what the matching says; rows drawn for a spot check are under review until then.
- Rows asked for by number are decided alone, and their answers are those that they have in the whole batch. Only
  ``unregistered`` counts over the whole request, which is decided once for it.

``rows`` are numbers of rows in the batch, from 1, each once; None stands for all of them. Answers are in their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache, cached_property
from typing import Final

import polars as pl

from exchange.agreements.agreement import Agreement
from exchange.agreements.sections import LETTER_ITEMS
from exchange.app import App
from exchange.base.errors import Halt
from exchange.base.legal_bases import LegalBasis
from exchange.base.parallel import map_ordered
from exchange.base.tables import SOURCES
from exchange.base.timing import in_stage
from exchange.calendar.working_days import office_day
from exchange.matching import unregistered
from exchange.matching.decide import CAUSES_COLUMN, IDENTITY_COLUMN, decide, decide_both, make_ready
from exchange.matching.id_numbers import KEY, standardise
from exchange.matching.identity import Population
from exchange.matching.items import RULES
from exchange.matching.sources import Sources
from exchange.register import Attested, Batch, Review
from exchange.register.snapshot_uses import Pins
from exchange.snapshots.versions import Snapshots
from exchange.steps.agreed import agreed
from exchange.steps.disclosure import AWAITING, SPOT, with_spot_checks
from exchange.steps.objection import objected
from exchange.steps.request import ROWS_IN_PART, read_request
from exchange.steps.rows import REFERENCE, read_references, read_rows
from exchange.wire.manifest import RequestManifest

POPULATION: Final = "population"
WAITING: Final = "source_not_ready"
NUMBER: Final = "id_number"

Part = tuple[pl.DataFrame, pl.DataFrame]
"""Rows of the request, and the answers to them."""


@dataclass(frozen=True)
class BatchContext:
    """A trusted batch with what is needed to answer it. ``pinned``: its snapshot pins as they were read with it, empty
    where it had none; ``resting_on``: the legal bases by which offences are answered, where not all of the agreement's
    are in force any more.
    """

    app: App
    batch: Batch
    manifest: RequestManifest
    agreement: Agreement
    pinned: Pins = field(default_factory=dict)
    resting_on: tuple[LegalBasis, ...] | None = None

    @classmethod
    def of(cls, app: App, batch: Batch) -> BatchContext:
        """The context of a batch, which is read from the register and held against the ledger for this."""
        return cls.of_attested(app, app.register.attested(batch.id, rows=()))

    @classmethod
    def of_attested(cls, app: App, attested: Attested) -> BatchContext:
        """As :meth:`of`, of a batch that was attested just now."""
        return cls(app, attested.batch, app.manifest(attested.batch), agreed(app, attested), attested.pins)

    @property
    def today(self) -> date:
        """The day of receipt, from which days and ages are counted, whatever day it is."""
        return office_day(self.batch.received_at)

    @property
    def bases(self) -> tuple[LegalBasis, ...]:
        """The legal bases of its purpose, on which it asks about offences. Halt where it asks about them on none."""
        purpose = self.agreement.purpose(self.manifest.purpose)
        of_purpose = () if purpose is None else purpose.bases
        bases = of_purpose if self.resting_on is None else self.resting_on
        if not bases and not LETTER_ITEMS.isdisjoint(self.manifest.items):  # nothing counts without: never *no record*
            msg = f"{self.batch.id}: offences are asked about on no legal basis"
            raise Halt(msg, zh=f"{self.batch.id} 核查违法犯罪记录，却没有法律依据")
        return bases

    @cached_property
    def table(self) -> pl.DataFrame:
        """The claimed values, row by row."""
        return pl.concat(read_request(self.app, self.agreement, self.manifest))

    @cached_property
    def earlier(self) -> BatchContext | None:
        """Of an objection the context of the batch that is objected to; None of others. Halt where one of them is a
        test.
        """
        first = self.manifest.objects_to
        if first is None:
            return None
        earlier = self.app.register.batch(first)
        if earlier.is_test != self.batch.is_test:
            msg = f"{self.batch.id} objects to {first}, and one of the two is a test; a person must look"
            raise Halt(msg, zh=f"{self.batch.id} 与所对异议的 {first} 一为测试、一为正式，请人工查明")
        return BatchContext.of(self.app, earlier)

    def claims(self, rows: Sequence[int] | None = None) -> pl.DataFrame:
        """The claimed values of these rows, in their order; columns as ``read_request``, errors too."""
        if rows is None:
            return self.table
        if tuple(rows) not in self._claimed:
            self._claimed.clear()  # the last rows alone are asked for again
            self._claimed[tuple(rows)] = read_rows(self.app, self.agreement, self.batch, self.manifest, rows)
        return self._claimed[tuple(rows)]

    @cached_property
    def _claimed(self) -> dict[tuple[int, ...], pl.DataFrame]:
        return {}

    def rows_of(self, references: pl.Series, *, shared: bool = False) -> list[int]:
        """The numbers of the rows whose reference is one of these (String) and is borne by no other row; ascending.
        ``shared``: also of those that share theirs.
        """
        of_rows = read_references(self.app, self.agreement, self.batch, self.manifest)
        matches = of_rows.is_in(references.implode()) & (of_rows.is_unique() | shared)
        return [position + 1 for position in matches.arg_true()]

    @property
    def snapshots(self) -> Snapshots:
        """Where its snapshots lie: the invented province's of a test, else the sources'."""
        return self.app.snapshots_for(self.batch)

    @cached_property
    def pins(self) -> Pins:
        """Source → the version that answers this batch, pinned now where none was; without sources that are missing.
        Halt where no population is published.
        """
        if self.pinned:
            return self.pinned  # no lock is taken: others decide rows of the batch meanwhile
        current = _current(self.snapshots, self.manifest.items)
        if POPULATION not in current:
            msg = "no population snapshot is published; build one with `exchange snapshot build`"
            zh = "没有已发布的人口快照，请系统管理员生成"
            if self.batch.is_test:
                msg, zh = "no invented province is installed; exchange province install", "未安装虚构省的数据"
            raise Halt(msg, zh=zh)
        return self.app.register.snapshots.pin(self.batch.id, current)

    @property
    def waits_for(self) -> str:
        """The code that rows about offence records have in the first result while they wait, hits or not."""
        return AWAITING if self._all_fresh(_needs(list(LETTER_ITEMS))) else WAITING

    @property
    def lacks_sources(self) -> bool:
        """Whether a source that these items need was missing or stale, and no second pass was made yet. Never of an
        objection, which is looked into with what answered the earlier batch.
        """
        items = self.manifest.items
        return self.manifest.objects_to is None and not self._all_fresh(_needs(items)) and not self.later_pins

    def _all_fresh(self, needed: Iterable[str]) -> bool:
        return all(source in self.pins and self._fresh(source, self.pins[source][1]) for source in needed)

    def _fresh(self, source: str, as_of: date) -> bool:
        return self.batch.is_test or is_fresh(source, as_of, self.today)

    @cached_property
    def later_pins(self) -> Pins:
        """The versions of the second pass; empty where there was none."""
        return self.app.register.snapshots.of(self.batch.id, later=True)

    def pin_later(self, pins: Pins) -> None:
        """Pins the versions of the second pass."""
        self.app.register.snapshots.pin(self.batch.id, pins, later=True)
        vars(self).pop("later_pins", None)

    def sources(self, *, later: bool = False) -> Sources:
        """What the batch is matched against: sources that were fresh. ``later``: those of the second pass, which all
        were.
        """
        return self._opened(self.later_pins, later=True) if later else self._first_sources

    @cached_property
    def _first_sources(self) -> Sources:
        return self._opened(self.pins, later=False)

    def _opened(self, pins: Pins, *, later: bool) -> Sources:
        open_ = {source: self.snapshots.version(source, version) for source, (version, _) in pins.items()}
        people = open_[POPULATION]
        records = {
            source: open_[source].open("records")
            for source, (_, as_of) in pins.items()
            if source != POPULATION and (later or self._fresh(source, as_of))
        }
        purpose = self.agreement.purpose(self.manifest.purpose)
        return Sources(
            Population(*people.open_all("people", "former", "mothers", "births")),
            records,
            approved=self.agreement.approved_in_advance(self.manifest.cycle, self.today),
            tells_cancellation=purpose is not None and purpose.tells_cancellation,
            bases=self.bases,
            asked_on=self.today,
        )

    def first_parts(self) -> Iterator[Part]:
        """The first result, in parts that are never in memory together; of an objection, all in one. Where numbers were
        read to match them the answers have the person's ``key``, too (Int64, null where none can be read).
        """
        if self.manifest.objects_to is not None:
            yield self.table, self.first_matched()
        else:
            asked = read_request(self.app, self.agreement, self.manifest)
            yield from self._decided(asked, self.sources(), settled=False, keyed=True)

    def first_matched(self, rows: Sequence[int] | None = None, *, settled: bool = False) -> pl.DataFrame:
        """The first result's answers, in the columns of ``matching.decide``; of an objection every row is for
        review.
        """
        if self.earlier is not None:
            asked = self.claims(rows)
            first = self.earlier.answers(self.earlier.rows_of(asked[REFERENCE]))
            return objected(asked, first, self.manifest.items)
        answers = self._decided_rows(self.sources(), rows, settled=settled)
        return answers if settled else self._spot_checked(answers, rows)

    def _spot_checked(self, answers: pl.DataFrame, rows: Sequence[int] | None) -> pl.DataFrame:
        """Rows that wait for a spot check are under review; none before the first result is made."""
        if not LETTER_ITEMS.intersection(self.manifest.items):
            return answers
        drawn = self.app.register.reviews.rows_with(self.batch.id, SPOT, rows)
        return with_spot_checks(answers, rows or range(1, answers.height + 1), drawn)

    def _decided_rows(self, sources: Sources, rows: Sequence[int] | None, *, settled: bool) -> pl.DataFrame:
        if rows is not None and unregistered.CODE in self.manifest.items:
            return self._counted[[row - 1 for row in rows]]
        claims = self.claims(rows)
        asked = claims.iter_slices(ROWS_IN_PART) if claims.height else [claims]
        return pl.concat(answers for _, answers in self._decided(asked, sources, settled=settled))

    @cached_property
    def _counted(self) -> pl.DataFrame:
        """The answers to all rows of a request in which rows are counted."""
        return self._decided_rows(self.sources(), None, settled=False)

    def _decided(
        self, parts: Iterable[pl.DataFrame], sources: Sources, *, settled: bool, keyed: bool = False
    ) -> Iterator[Part]:
        def answers(asked: pl.DataFrame) -> pl.DataFrame:
            if not keyed or NUMBER not in asked.columns:
                return decide(asked, self.manifest.items, sources, self.today, settled=settled)
            read = standardise(asked, self.today)
            return decide(read, self.manifest.items, sources, self.today, settled=settled).with_columns(read[KEY])

        if unregistered.CODE in self.manifest.items:  # rows that ask the same are counted over the whole request
            parts = [pl.concat(parts)]
        return in_stage("match", map_ordered(answers, parts, before=lambda: make_ready(self.manifest.items)))

    def matched(self, rows: Sequence[int] | None = None, *, settled: bool = False) -> pl.DataFrame:
        """The answers as the matching gives them: of the first pass, and of the second pass for rows that had to wait
        for a source. Columns of ``matching.decide``, a row for each of ``rows``, in their order. ``settled``:
        proposals for officers instead, see ``matching.decide``.
        """
        return self._asked_again(self.first_matched(rows, settled=settled), rows, settled=settled)

    def matched_and_proposed(self, rows: Sequence[int]) -> tuple[pl.DataFrame, pl.DataFrame]:
        """``matched``, and the same ``settled``, of a batch that is no objection; matched together."""
        if unregistered.CODE in self.manifest.items:
            first = proposed = self._counted[[row - 1 for row in rows]]
        else:
            claims = self.claims(rows)
            asked = claims.iter_slices(ROWS_IN_PART) if claims.height else [claims]
            parts = [decide_both(part, self.manifest.items, self.sources(), self.today) for part in asked]
            first, proposed = (pl.concat(frames) for frames in zip(*parts, strict=True))
        checked = self._spot_checked(first, rows)
        return self._asked_again(checked, rows, settled=False), self._asked_again(proposed, rows, settled=True)

    def first_and_now(self, rows: Sequence[int] | None = None) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The first result's answers, and as they stand: matched, and over that what officers decided. Both have the
        columns of ``matching.decide`` and a row for each of ``rows``, in their order.
        """
        first = self.first_matched(rows)
        decided = self.app.register.reviews.decided(self.batch.id, rows)
        return first, with_decisions(self._asked_again(first, rows, settled=False), decided, rows)

    def answers(self, rows: Sequence[int] | None = None) -> pl.DataFrame:
        """The answers as they stand: columns of ``matching.decide``, a row for each of ``rows``, in their order."""
        return self.first_and_now(rows)[1]

    def _asked_again(self, first: pl.DataFrame, rows: Sequence[int] | None, *, settled: bool) -> pl.DataFrame:
        waited = has_code(first, (WAITING,)).arg_true()
        if not len(waited) or not self.later_pins:
            return first
        numbers = [position + 1 if rows is None else rows[position] for position in waited]
        again = self._decided_rows(self.sources(later=True), numbers, settled=settled)
        again = again if settled else self._spot_checked(again, numbers)
        return first.with_columns(first[name].scatter(waited, again[name]) for name in again.columns)


def is_fresh(source: str, as_of: date, today: date) -> bool:
    """Whether the source's snapshot is young enough (``tests/spec/freshness.toml``); KeyError for an unknown source."""
    return (today - as_of).days <= SOURCES[source].max_age_days


def fresh_sources(app: App, batch: Batch) -> Pins | None:
    """Source → published version, of all sources that the batch's items need; None while one is missing or stale."""
    current, today = _current(app.snapshots_for(batch), batch.items), office_day(app.now())
    if set(current) != {POPULATION, *_needs(batch.items)}:
        return None
    fresh = batch.is_test or all(is_fresh(source, as_of, today) for source, (_, as_of) in current.items())
    return current if fresh else None


def lacked_sources(batch: Batch, pins: Pins) -> bool:
    """``BatchContext.lacks_sources`` of a batch that had no second pass yet, by its pins alone."""
    if batch.objects_to is not None:
        return False
    needed, day = _needs(batch.items), office_day(batch.received_at)
    return not all(source in pins and (batch.is_test or is_fresh(source, pins[source][1], day)) for source in needed)


def second_pass(context: BatchContext) -> bool:
    """Pins the versions of a batch's second pass, if all its sources are fresh now; whether they are. The population
    stays the one of the first pass, so that the same person is meant.
    """
    current = fresh_sources(context.app, context.batch)
    if current is None:
        return False
    context.pin_later({**current, POPULATION: context.pins[POPULATION]})
    return True


def answer_columns(frame: pl.DataFrame) -> list[str]:
    """The names of the columns that hold answer codes, in the frame's order."""
    return [name for name in frame.columns if name == IDENTITY_COLUMN or name.startswith("answer.")]


def has_code(frame: pl.DataFrame, codes: Sequence[str]) -> pl.Series:
    """Whether a row has one of these codes in any answer column: Boolean[rows]."""
    return have_codes(frame, codes)[0]


def have_codes(frame: pl.DataFrame, *codes: Sequence[str]) -> list[pl.Series]:
    """:func:`has_code` for each of several lists of codes, in one pass over the frame."""
    columns = tuple(answer_columns(frame))
    looks = [_has_code(columns, tuple(wanted)).alias(str(number)) for number, wanted in enumerate(codes)]
    return frame.select(looks).get_columns()


@cache
def _has_code(columns: tuple[str, ...], codes: tuple[str, ...]) -> pl.Expr:
    return pl.any_horizontal(pl.col(columns).is_in(list(codes)))


def with_decisions(frame: pl.DataFrame, decided: Sequence[Review], rows: Sequence[int] | None = None) -> pl.DataFrame:
    """The answers with those of officers in their place; a decided row needs no officer any more. ``rows``: the
    numbers of the frame's rows where it does not hold the whole batch.
    """
    if not decided:
        return frame
    place_of = None if rows is None else {row: position for position, row in enumerate(rows)}
    positions = pl.Series(
        [review.row - 1 if place_of is None else place_of[review.row] for review in decided], dtype=pl.UInt32
    )
    changed = []
    for column in answer_columns(frame):
        codes = pl.Series([review.answers.get(column.removeprefix("answer.")) for review in decided], dtype=pl.String)
        changed.append(frame[column].scatter(positions, codes.fill_null(frame[column].gather(positions))))
    return frame.with_columns(*changed, frame[CAUSES_COLUMN].scatter(positions, ""))


def _needs(items: Sequence[str]) -> set[str]:
    return {source for item in items if item in RULES for source in RULES[item].needs}


def _current(snapshots: Snapshots, items: Sequence[str]) -> dict[str, tuple[str, date]]:
    """Source → published version and its day, of the sources that these items need and that have one."""
    wanted = {POPULATION, *_needs(items)}
    versions = {source: snapshots.current(source) for source in SOURCES if source in wanted}
    return {source: (version.name, version.as_of) for source, version in versions.items() if version is not None}
