from __future__ import annotations

from exchange.register.states import OPEN, TRANSITIONS, State


def test_every_state_is_in_the_table_and_can_be_reached() -> None:
    reached: set[State] = set()
    ahead = set(TRANSITIONS[None])
    while ahead:
        reached |= ahead
        ahead = {after for state in ahead for after in TRANSITIONS[state]} - reached
    assert reached == set(State)
    assert set(TRANSITIONS) == {None, *State}


def test_no_state_is_come_back_to() -> None:
    for state in State:
        reached: set[State] = set()
        ahead = set(TRANSITIONS[state])
        while ahead:
            reached |= ahead
            ahead = {after for each in ahead for after in TRANSITIONS[each]} - reached
        assert state not in reached


def test_open_are_exactly_the_states_that_something_follows() -> None:
    assert frozenset(state for state in State if TRANSITIONS[state]) == OPEN
