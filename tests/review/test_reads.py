"""What an officer is told that the partner will read is what the decision writes into the result."""

from __future__ import annotations

import pytest

from exchange.base.tables import ANSWERS, ITEMS
from exchange.output.results import heading
from exchange.review.decisions import allowed, complete
from exchange.review.reads import will_read

BY_NUMBER = ("id_number", "name", "sex", "criminal_record", "kinship")


@pytest.mark.parametrize("code", allowed("identity"))
@pytest.mark.parametrize("items", [BY_NUMBER, BY_NUMBER[1:3], ("sex",)])
def test_what_follows_from_the_identity_is_told_with_it(items: tuple[str, ...], code: str) -> None:
    """The sentence has each column that is not asked for by itself, under the word that is decided for it."""
    columns = dict.fromkeys(("identity", *items), "under_review")
    own = (
        {} if code != "consistent" else {item: allowed(item)[0] for item in items if item not in ("id_number", "name")}
    )
    decided = complete(columns, {"identity": code, **own})
    told: dict[str, str] = {}
    for part in will_read(columns, "identity", code).split("；"):
        heads, _, word = part.rstrip("”").partition("“")
        told |= dict.fromkeys(heads.split("、"), word)
    assert told == {heading(column): ANSWERS[said].zh for column, said in decided.items() if column not in own}


@pytest.mark.parametrize("item", ITEMS)
def test_an_items_own_answer_is_told_alone(item: str) -> None:
    for code in allowed(item):
        assert will_read((item, "sex"), item, code) == f"{heading(item)}“{ANSWERS[code].zh}”"
