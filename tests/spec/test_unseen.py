"""No answer depends on characters that show nothing, which programs leave around and inside of a cell's text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, product

import pytest

from exchange.matching.decide import decide
from exchange.matching.sources import Sources
from tests.spec.test_spec import SPECIFICATIONS, Case, asked, form, register

MARKS = {
    "zero-width space": "\u200b",
    "byte-order mark": "\ufeff",
    "emoji style": "\ufe0f",
    "glyph selector": "\U000e0100",
    "joiner of graphemes": "\u034f",
    "Hangul filler": "\u3164",
    "half-width filler": "\uffa0",
    "Mongolian separator": "\u180e",
}
WAYS: dict[str, Callable[[str, str], str]] = {
    "in front": lambda text, mark: mark + text,
    "behind": lambda text, mark: text + mark,
    "inside": lambda text, mark: text[: len(text) // 2] + mark + text[len(text) // 2 :],
}


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_what_shows_nothing_changes_no_answer(name: str) -> None:
    given = form(name)
    people, records = register(name)
    alike = [case for case in given.case if case.claim.keys() == given.case[0].claim.keys()]

    def answers(cases: Sequence[Case]) -> list[tuple[str, ...]]:
        decided = decide(asked(given, cases), given.items, Sources(people, records), given.received)
        return decided.select("identity", *[f"answer.{item}" for item in given.items]).rows()

    def written(how: str, mark: str) -> list[Case]:
        claims = [{column: WAYS[how](text, MARKS[mark]) for column, text in case.claim.items()} for case in alike]
        texts = [f"{mark} {how}: {case.en}" for case in alike]
        return [Case(claim=claim, answer={}, zh="一", en=en) for claim, en in zip(claims, texts, strict=True)]

    plain = answers([case.model_copy(update={"times": 1}) for case in alike])
    forms = [written(*pair) for pair in product(WAYS, MARKS)]
    if given.items != ("unregistered",):  # whose rows count each other
        forms, plain = [list(chain(*forms))], plain * len(forms)
    for cases in forms:
        differ = zip(cases, plain, answers(cases), strict=True)
        assert [case.en for case, one, other in differ if one != other] == []
