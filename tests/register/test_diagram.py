"""The picture of the states shows every arrow of the table and no other."""

from __future__ import annotations

import re

from exchange.register.diagram import states_page
from exchange.register.states import TRANSITIONS, State


def test_the_picture_is_the_table() -> None:
    arrows = set(re.findall(r"^    (\S+) --> (\S+)$", states_page(), re.MULTILINE))
    table = {(str(before or "[*]"), str(after)) for before, following in TRANSITIONS.items() for after in following}
    assert arrows == table | {(str(state), "[*]") for state in State if not TRANSITIONS[state]}
