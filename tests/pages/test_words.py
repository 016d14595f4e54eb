"""Messages name people as a reader knows them."""

from __future__ import annotations

import pytest

from exchange.demo.world import OFFICER_ID, SECOND_OFFICER_ID, World
from exchange.pages.words import who, with_names
from exchange.settings import Settings


@pytest.mark.parametrize(
    ("message", "named"),
    [
        (f"a.b1 row 3 is open with {OFFICER_ID} until 10:20", OFFICER_ID),
        (f"{SECOND_OFFICER_ID} decided a row of a.b1", SECOND_OFFICER_ID),
        (f"it was {OFFICER_ID}.", OFFICER_ID),
        (f"court.{OFFICER_ID}-3 row 3", None),
        ("nobody", None),
    ],
)
def test_an_id_of_somebody_here_gets_the_name_and_nothing_else_does(
    world: World, message: str, named: str | None
) -> None:
    settings = Settings.load(world.config)
    expected = message if named is None else message.replace(named, who(settings, named), 1)
    assert with_names(settings, message) == expected
    assert (expected != message) == (named is not None)
