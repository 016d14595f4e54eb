"""The people of the answer key (``answer_key.py``): who stands in its invented province, with which records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from tests.steps.answer_key import (
    ARTICLES,
    CLEAN,
    CRIMES,
    HIT,
    TRIED,
    USE,
    VIOLATIONS,
    Record,
    Verdict,
    later,
    worst,
)


@dataclass(frozen=True)
class Person:
    """``records``: those that are this person's. ``sealed``: is to be as if it had none. ``detentions``: the
    separate administrative detentions, where that decides. ``numbers``: what each record stands under: the present
    number (0), or the former one (1). ``shared``: somebody much younger bore the number, too.
    """

    what: str
    records: tuple[Record, ...] = ()
    sealed: bool = False
    detentions: int = 0
    numbers: tuple[int, ...] = ()
    shared: bool = False
    born: date = date(1975, 3, 9)

    def expected(self, basis: str, day: date) -> Verdict:
        if self.sealed:
            return CLEAN
        _, _, article = ARTICLES[basis]
        verdicts = [article(record, day) for record in self.records]
        if basis == "security_guards_17" and self.detentions >= 3:
            verdicts.append(HIT)
        return worst(verdicts)


def judged(**given: str) -> Record:
    sound = {"kind": "judgment", "charge": "盗窃罪", "offence": "2024-11-01", "decided": "2025-10-01"}
    return sound | {"effective": "2025-11-01", "sentence": "12", "rights": "no"} | given


def fined(kind: str, charge: str, **given: str) -> Record:
    sound = {"kind": kind, "charge": charge, "offence": "2020-05-01", "decided": "2020-05-06"}
    return sound | {"effective": "", "sentence": "", "rights": ""} | given


def province(day: date) -> list[Person]:
    """Everybody asked about; ``day``: of receipt."""
    return [
        Person("without any"),
        *[Person(f"{charge} judged", (judged(charge=charge),)) for charge in CRIMES],
        *[Person(f"{charge} not prosecuted", (fined("relative_non_prosecution", charge),)) for charge in CRIMES],
        *[Person(f"{charge} {kind}", (fined(kind, charge),)) for charge in VIOLATIONS for kind in TRIED],
        *[Person(kind, (fined(kind, ""),)) for kind in (*USE, "custody_education")],
        *[Person(kind, (fined(kind, "强奸罪"),), sealed=True) for kind in ("pending", "non_prosecution", "acquittal")],
        *_sentences(),
        *_spans(day),
        *_detentions(),
        *_juveniles(),
    ]


def _sentences() -> list[Person]:
    found = [
        Person(f"{charge} {sentence} rights {rights}", (judged(charge=charge, sentence=sentence, rights=rights),))
        for charge in ("盗窃罪", "交通肇事罪", "玩忽职守罪", "流氓罪")
        for sentence in ("", "1", "60.0", "６０", "5年", "三年", "9999")
        for rights in ("yes", "no", "")
    ]
    intents = [
        Person(f"{charge} {intent}", (judged(charge=charge, intent=intent),))
        for charge in ("流氓罪", "交通肇事罪", "盗窃罪")
        for intent in ("故意", "过失")
    ]
    unread = [Person("not yet effective", (judged(effective="2099-01-01"),), sealed=True)]
    return found + intents + unread


def _spans(day: date) -> list[Person]:
    """Both sides of each boundary of two and five years: the first possible end of the punishment, and the last."""
    ends = [later(day, -12 * years) for years in (2, 5)] + [later(day, -60 - 60), later(day, -60 - 60 - 12)]
    days = [end + timedelta(days=by) for end in ends for by in (-1, 0, 1)]
    fines = [judged(effective=str(each), offence="2000-01-01", sentence="", rights="yes") for each in days]
    prison = [judged(effective=str(each), offence="2000-01-01") for each in days]
    half = [later(day, -24 - 30) + timedelta(days=by) for by in (-1, 0, 1)]
    remitted = [judged(offence=str(each), effective=str(each + timedelta(days=9)), sentence="60") for each in half]
    life = [judged(offence="2000-01-01", effective="2001-01-01", sentence="9999")]
    return [Person(f"span {place}", (each,)) for place, each in enumerate([*fines, *prison, *remitted, *life])]


def _detentions() -> list[Person]:
    def of_days(*days: str, charge: str = "盗窃") -> tuple[Record, ...]:
        return tuple(fined("administrative_detention", charge, decided=each, offence=each) for each in days)

    one, two, three = "2011-02-03", "2012-03-04", "2013-04-05"
    return [
        Person("two detentions", of_days(one, two), detentions=2),
        Person("three detentions", of_days(one, two, three), detentions=3),
        Person("the same one three times", of_days(one, one, one), detentions=1),
        Person("two, one of them twice", of_days(one, two, two), detentions=2),
        Person("three under two numbers", of_days(one, two, three), detentions=3, numbers=(0, 1, 1)),
        Person("two under two numbers", of_days(one, two), detentions=2, numbers=(0, 1)),
        Person("four", of_days(one, two, three, "2014-05-06"), detentions=4),
    ]


def _juveniles() -> list[Person]:
    """Born on 1990-06-15: eighteen from the day after the birthday in 2008."""
    born, decided = date(1990, 6, 15), {"decided": "2009-02-01", "effective": "2009-03-01"}

    def of_day(what: str, offence: str, *, sealed: bool, **given: str) -> Person:
        record = judged(charge="强奸罪", offence=offence, **decided, **given)
        return Person(f"juvenile {what}", (record,), sealed=sealed, born=born)

    spellings = {"2008/06/15", "20080615", "2008-06-15 23:59:59", "２００８-０６-１５", "2008年6月15日"}
    return [
        of_day("on the birthday", "2008-06-15", sealed=True, sentence="60"),
        of_day("on the day after", "2008-06-16", sealed=False, sentence="60"),
        of_day("more than five years", "2008-06-15", sealed=False, sentence="61"),
        of_day("sixty in decimals", "2008-06-15", sealed=True, sentence="60.0"),
        of_day("sixty in full width", "2008-06-15", sealed=True, sentence="６０"),
        of_day("a sentence that cannot be read", "2008-06-15", sealed=False, sentence="三年"),
        of_day("marked, of age", "2015-06-16", sealed=True, mark="1"),
        of_day("marked in words", "2015-06-16", sealed=True, mark="已封存"),
        *[of_day(f"spelled {each}", each, sealed=True) for each in sorted(spellings)],
        *[
            of_day(f"of age, spelled {each}", each.replace("15", "16").replace("１５", "１６"), sealed=False)
            for each in sorted(spellings)
        ],
        Person(
            "shared with somebody younger",
            (judged(offence="1995-05-01", decided="1995-06-01", effective="1995-07-01", charge="强奸罪"),),
            shared=True,
            born=date(1970, 2, 3),
        ),
    ]
