"""When a folder is listed: whatever comes is seen, whatever its server says of the folder's time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exchange.intake.movement import Movement

LOOK = 0.5
NOTHING: frozenset[str] = frozenset()
A_SET = frozenset({"a.request.json"})


class Server:
    """A folder with a clock in whole seconds, set off from ours; ``honest``: it keeps its time of change."""

    def __init__(self, offset: float, *, honest: bool = True) -> None:
        self.offset = offset
        self.honest = honest
        self.names: set[str] = set()
        self.changed_at = int(offset)

    def put(self, name: str, now: float) -> None:
        self.names.add(name)
        if self.honest:
            self.changed_at = int(now + self.offset)


@given(
    offset=st.floats(0, 1_000_000),
    phase=st.floats(0, 1),
    comings=st.lists(st.floats(0, 60), min_size=1, max_size=6),
)
def test_what_comes_is_listed_at_the_next_look(offset: float, phase: float, comings: list[float]) -> None:
    server, movement = Server(offset), Movement(0.0)
    seen: frozenset[str] = NOTHING
    now, coming = phase, sorted(comings)
    while now < 70:
        while coming and coming[0] <= now:
            server.put(f"file-{coming.pop(0)}", now)
        if movement.must_list(server.changed_at, now):
            seen = frozenset(server.names)
            movement.listed(seen, now, sets_there=False)
        assert seen == server.names
        now += LOOK


def looks(movement: Movement, changed_at: int | None, names: frozenset[str], seconds: range) -> int:
    """How often it is listed, looked at each second."""
    listings = 0
    for second in seconds:
        if movement.must_list(changed_at, float(second)):
            listings += 1
            movement.listed(names, float(second), sets_there=names == A_SET)
    return listings


def test_where_nothing_moves_a_folder_is_seldom_listed() -> None:
    assert looks(Movement(0.0), 7, NOTHING, range(60)) <= 7


def test_where_sets_lie_it_is_listed_each_time_because_files_grow() -> None:
    assert looks(Movement(0.0), 7, A_SET, range(60)) == 60


def test_where_the_server_does_not_say_it_is_listed_each_time() -> None:
    assert looks(Movement(0.0), None, NOTHING, range(60)) == 60


def test_a_server_that_does_not_keep_the_time_is_not_believed_again() -> None:
    movement = Movement(0.0)
    looks(movement, 7, NOTHING, range(30))
    looks(movement, 7, frozenset({"came.ack"}), range(30, 60))
    assert looks(movement, 7, frozenset({"came.ack"}), range(60, 90)) == 30


def test_many_quiet_folders_are_looked_at_more_seldom_and_lively_ones_are_not() -> None:
    movement = Movement(0.0)
    assert movement.pause(1.0, LOOK, 4, 200.0) == LOOK
    assert movement.pause(1.0, LOOK, 1000, 200.0) == 5.0
    movement.listed(A_SET, 2.0, sets_there=True)
    assert movement.pause(3.0, LOOK, 1000, 200.0) == LOOK
    assert movement.pause(303.0, LOOK, 1000, 200.0) == 5.0


@given(files=st.integers(0, 10_000), seconds=st.floats(0, 1000))
def test_a_crowded_folder_is_looked_at_more_seldom_and_never_late(files: int, seconds: float) -> None:
    """The most that are listed: each three seconds, whether something moves there or not."""
    movement = Movement(0.0)
    movement.listed(frozenset(f"{number}.csv" for number in range(files)), 0.0, sets_there=True)
    pause = movement.pause(seconds, LOOK, 4, 200.0)
    assert LOOK <= pause <= 3.001
    assert pause >= files * 0.0003 or pause == LOOK
    assert files >= 1000 or pause == LOOK, "as often as can be, where few lie"


@given(questions=st.integers(0, 20_000), seconds=st.floats(0, 1000))
def test_a_listing_that_takes_many_questions_comes_more_seldom(questions: int, seconds: float) -> None:
    """Whatever little it names: a server may name one file in each answer, and others in each listing."""
    movement = Movement(0.0)
    movement.listed(A_SET, 0.0, sets_there=True, questions=questions)
    pause = movement.pause(seconds, LOOK, 4, 200.0)
    assert pause >= questions * 0.01 or pause == LOOK
    assert questions > 50 or pause == LOOK, "as often as can be, where it takes few"


def test_what_comes_between_the_question_and_the_listing_is_no_reason_not_to_believe() -> None:
    movement, late = Movement(0.0), frozenset({"came.ack"})
    looks(movement, 7, NOTHING, range(29))
    assert movement.must_list(7, 40.0)
    movement.listed(late, 40.0, sets_there=False)
    assert looks(movement, 40, late, range(41, 70)) <= 5
