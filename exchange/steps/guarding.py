"""The guard against fishing, for one batch: evidence is collected while its rows are processed, and judged before the
result leaves.

Rules
- Only keyed hashes and counts are kept; a row's number and name are read where its answer says that they fail.
- What trips holds the batch as prepared, for a leader, unless the settings only watch; the partner sees a batch that is
  not answered yet, and nothing else. A refusal is told in a second receipt that takes the place of the first.
- A relative who is not established is a guess as any other person is. Who is sought by name has no number: one name
  with many births that nobody has is a guess at the birth.
- A variant of a name would be told of (*name_variant*), so that all forms of a name are one name that is tried.
- Whoever knows a pair of number and name can guess at the rest: what is claimed of an item and is not so is kept as a
  name tried under a number is, the person and the item in the number's place. So is a birth of which no child of this
  mother is registered, and a claim that waits for its source: the supplement answers it, and nothing judges that again.
- Objections are not judged: they name rows that were asked before, and each goes to an officer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import numpy as np
import polars as pl

from exchange.app import App
from exchange.base.errors import Refused
from exchange.base.keyed import Hashes, KeyRing, Kind, text_values
from exchange.base.tables import ITEMS
from exchange.guard.rules import FAILING, Counts, Failed, Span, tripped
from exchange.guard.thresholds import THRESHOLDS
from exchange.matching.names import in_one_form, standard_name
from exchange.matching.unregistered import CODE as UNREGISTERED
from exchange.register import State
from exchange.register.guard import Evidence, Usual
from exchange.register.told import Told
from exchange.steps.answers import WAITING, BatchContext, has_code, have_codes
from exchange.steps.asked import NumberKeys
from exchange.steps.deliver import deliver
from exchange.steps.receipt import send_refusal

_SEQUENCE: Final = 1000
"""A key without its sequence digits: place and birth date."""

_NAME: Final = "name"
_RELATIVE_FAILS: Final = "relative_not_established"
_NOBODY: Final = "not_registered"
_NOT_SO: Final = ("inconsistent", "partly_consistent", "not_same_household")
_MOTHER: Final = "mother_id_number"
_NUMBERS: Final = ("id_number", _MOTHER)


@dataclass
class Watch:
    """Collects the failing rows of a batch. ``ring``: the keys of the hashes, as they were when it began."""

    context: BatchContext
    ring: KeyRing
    counts: Counts = field(default_factory=Counts)
    _failed: list[Failed] = field(default_factory=list)

    def add(self, asked: pl.DataFrame, answers: pl.DataFrame, keys: NumberKeys) -> None:
        """Adds a part of the request: its rows, their answers (``matching.decide``) and the keys of their numbers, each
        n long and in the same order.
        """
        if self.context.manifest.objects_to is None:
            counts, failed = seen(asked, answers, keys, self.ring)
            self.counts += counts
            self._failed.append(failed)

    def judged_ahead(self, told: Told) -> Callable[[], Evidence]:
        """Judges now, and returns what judges behind the partner's lock: anew only where another batch of the partner
        was judged meanwhile. For a large batch, whose reckoning is not to be waited for there.
        """
        at, guard = self.context.app.now(), self.context.app.register.guard
        usual = guard.usual(self.context.batch.partner, at)
        ahead = self._judged(told, at, usual)

        def behind_lock() -> Evidence:
            after = guard.usual(self.context.batch.partner, at)
            return ahead if after.own == usual.own else self._judged(told, at, after)

        return behind_lock

    def evidence(self, told: Told) -> Evidence:
        """What the register keeps of the batch, and which rules tripped. Hashes are of the newest key, which may have
        been made since the batch began. ``told``: whom the batch asks about.
        """
        at = self.context.app.now()
        return self._judged(told, at, self.context.app.register.guard.usual(self.context.batch.partner, at))

    def _judged(self, told: Told, at: datetime, usual: Usual) -> Evidence:
        context, ring = self.context, self.context.app.told_keys
        failed = Failed.together(self._failed).renewed(ring, self.ring.generation)
        register, partner = context.app.register.guard, context.batch.partner
        failed_before = register.failed(partner, usual, ring.renewed)
        small = 0 < self.counts.rows <= THRESHOLDS.small_set
        asked = ring.renewed(told.hashes, Kind.NUMBER, told.generation)
        others = register.asked_too(partner, at, asked, ring.generation, ring.renewed) if small else []
        span = Span(
            usual.span + self.counts,
            Failed.together([failed_before, failed]),
            failed,
            register.failed_of_others(partner, usual.since, ring.renewed) if len(failed.numbers) else Failed(),
            usual.past,
            usual.peers,
            partners=most_partners(asked, others),
            agreed_rows=context.agreement.limits.max_rows_in_30_days,
        )
        trips = tripped(span) if self.counts.rows else ()
        holds = bool(trips) and context.app.settings.policy.guard_holds
        return Evidence(ring.generation, self.counts, failed, trips, holds=holds)


def seen(asked: pl.DataFrame, answers: pl.DataFrame, keys: NumberKeys, ring: KeyRing) -> tuple[Counts, Failed]:
    """How many of these rows failed, and their hashes. Rows, answers and keys: n each, in the same order."""
    column = next((name for name in _NUMBERS if name in keys), None)
    if column is None:
        return Counts(asked.height), _sought(asked, answers, ring)
    missed, other, relative = have_codes(answers, *[[code] for code in (*FAILING, _RELATIVE_FAILS)])
    relative &= ~missed & ~other
    numbers = keys[column].fill_null(0)
    # Who is asked about without a name has no other's.
    failed = _hashed(numbers, asked[_NAME if _NAME in asked.columns else column], missed | other, ring)
    failed = Failed.together([failed, _claimed(asked, answers, numbers, ring)])
    counts = Counts(asked.height, int(missed.sum()), int(((other & ~missed) | relative).sum()))
    if not relative.any():
        return counts, failed
    numbers = keys["relative_id_number"]
    beside = _hashed(numbers, asked["relative_name"], relative & numbers.is_not_null(), ring)
    return counts, Failed.together([failed, beside])


def _hashed(keys: pl.Series, names: pl.Series, which: pl.Series, ring: KeyRing) -> Failed:
    """The hashes of those pairs of key and name where ``which`` (Boolean[n]) is true; no key is null there."""
    if not which.any():  # nearly always, of a set of one row
        return Failed()
    numbers = keys.filter(which).to_numpy()
    return Failed(
        ring.hashed(numbers, Kind.NUMBER),
        ring.hashed(text_values(_standard(names.filter(which))), Kind.NAME),
        ring.hashed(numbers // _SEQUENCE, Kind.PLACE_AND_BIRTH),
    )


def _claimed(asked: pl.DataFrame, answers: pl.DataFrame, numbers: pl.Series, ring: KeyRing) -> Failed:
    """For each answer that a claim is wrong, or waits: hashes of person and item, and of person, item and claim.
    Of a large set, all of which may wait, claims that wait count where somebody is asked about more than once.
    """
    parts, may_wait = [], asked.height <= THRESHOLDS.small_set or numbers.is_duplicated()
    for item, claims, codes in _claims(asked.columns):
        said = answers[f"answer.{item}"] if f"answer.{item}" in answers.columns else pl.Series([], dtype=pl.String)
        wrong = said.is_in(codes) | ((said == WAITING) & may_wait)
        if wrong.any():
            rows = asked.filter(wrong)
            texts = rows.select(pl.concat_str([pl.col(claim).fill_null("") for claim in claims], separator="\n"))
            about = numbers.filter(wrong).cast(pl.String) + f" {item}"
            statements = about + " " + texts.to_series()
            person = text_values(about.to_list())
            hashes = zip(
                (person, text_values(statements.to_list()), person),
                (Kind.NUMBER, Kind.NAME, Kind.PLACE_AND_BIRTH),
                strict=True,
            )
            parts.append(Failed(*[ring.hashed(values, kind) for values, kind in hashes]))
    return Failed.together(parts)


def _claims(columns: Sequence[str]) -> Iterator[tuple[str, list[str], Sequence[str]]]:
    """(item, the columns of its claim, the answers that say that the claim is wrong)."""
    for item in ITEMS.values():
        if claims := [claim.code for claim in item.claims if claim.code in columns]:
            yield item.code, claims, _NOT_SO
    if _MOTHER in columns:
        yield UNREGISTERED, ["birth_date"], (_NOBODY,)


def _sought(asked: pl.DataFrame, answers: pl.DataFrame, ring: KeyRing) -> Failed:
    """Of people who are sought by name: name and birth stand in the place of the number."""
    nobody = asked.filter(has_code(answers, [_NOBODY]))
    names = _standard(nobody[_NAME])
    births = [f"{name} {born}" for name, born in zip(names, nobody["birth_date"].fill_null(""), strict=True)]
    pairs = text_values(births)
    return Failed(
        ring.hashed(pairs, Kind.NUMBER),
        ring.hashed(text_values(names), Kind.NAME),
        ring.hashed(pairs, Kind.PLACE_AND_BIRTH),
    )


def _standard(names: pl.Series) -> list[str]:
    """Names in one form, so that blanks, other dots or a variant of a character make no other name."""
    written = names.fill_null("").alias(_NAME).to_frame()
    return in_one_form(written.select(standard_name(pl.col(_NAME)))[_NAME].fill_null("")).to_list()


def most_partners(asked: Hashes, others: list[Hashes]) -> int:
    """By how many partners the same person was asked about, at most, among the people of ``asked``: this partner, and
    each of ``others`` (hashes a partner); 0 where nobody is asked about.
    """
    if not len(asked) or not others:  # of a larger set no others are asked for
        return int(len(asked) > 0)
    people = np.unique(asked)
    return 1 + int(sum((np.isin(people, hashes).astype(np.int64) for hashes in others), np.zeros(1, np.int64)).max())


def release_held(app: App, batch_id: str, reason: str) -> None:
    """A leader lets a held result go: it is delivered at once. May be run again."""
    app.register.guard.release(batch_id, reason)
    deliver(app, batch_id)


def refuse_held(app: App, batch_id: str, reason: str) -> None:
    """A leader refuses a held batch: nothing of it leaves, and the partner is told by a receipt. May be run again."""
    app.register.guard.refuse(batch_id, reason, Refused("not_released").code)
    batch = app.register.batch(batch_id)
    if batch.state is State.REFUSED:
        with app.folder(app.agreement(batch.partner)) as folder:
            send_refusal(app, batch, folder)
