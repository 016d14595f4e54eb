"""Alarms ring in their order and once, and not when they were called off."""

from __future__ import annotations

import os
from queue import SimpleQueue
from threading import active_count

from exchange.wire.alarms import Alarms

LONG = 600.0
WAIT = 30.0


def test_they_ring_in_the_order_of_their_times_whichever_was_set_first() -> None:
    alarms, rung = Alarms(), SimpleQueue[str]()
    alarms.set(LONG, lambda: rung.put("never"))
    alarms.set(0.2, lambda: rung.put("second"))
    alarms.set(0.1, lambda: rung.put("first"))
    assert [rung.get(timeout=WAIT) for _ in range(2)] == ["first", "second"]
    assert rung.empty()


def test_one_that_was_called_off_does_not_ring_and_holds_up_no_other() -> None:
    alarms, rung = Alarms(), SimpleQueue[str]()
    for _ in range(100):
        alarms.set(0.05, lambda: rung.put("called off")).cancel()
    alarms.set(0.1, lambda: rung.put("rings"))
    assert rung.get(timeout=WAIT) == "rings"
    assert rung.empty()


def test_a_thousand_alarms_are_one_thread() -> None:
    before, alarms = active_count(), Alarms()
    for _ in range(1000):
        alarms.set(LONG, lambda: None)
    assert active_count() == before + 1


def test_a_forked_process_has_its_own() -> None:
    child = os.fork()
    if not child:
        from exchange.wire.alarms import ALARMS

        rung = SimpleQueue[str]()
        ALARMS.set(0.01, lambda: rung.put("rings"))
        os._exit(0 if rung.get(timeout=WAIT) == "rings" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
