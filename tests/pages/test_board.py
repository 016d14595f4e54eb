"""The board and a batch's page; the board over very many batches."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import event

from exchange.app import App
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.pages.asked import Failure
from exchange.steps.receive import receive
from tests.pages.conftest import Pages


@pytest.fixture
def accepted(app: App, court: DemoPartner, ask: Callable[..., Request]) -> str:
    request = ask()
    court.drop(court.make_set(request))
    poll(app)
    assert receive(app, request.batch)
    return request.batch


def test_an_open_batch_with_what_failed(pages: Pages, accepted: str) -> None:
    pages.failures[accepted] = Failure("process", "/dags/batch/runs/x/tasks/process")
    status, text = pages.get("op", "/board?partner=court-changchun")
    assert status == 200
    for part in (
        accepted,
        "长春市中级人民法院",
        "案件办理",
        "任务 process 失败",
        "/dags/batch/runs/x/tasks/process",
        "已受理",
    ):
        assert part in text


def test_the_filter_is_kept(pages: Pages, accepted: str) -> None:
    assert accepted not in pages.get("op", "/board?partner=health-jilin")[1]
    assert accepted not in pages.get("op", "/board")[1], "the cookie remembers"
    assert accepted in pages.get("op", "/board?page=1")[1]
    for name in ("partner", "level", "urgency", "waits"):
        assert accepted in pages.get("op", f"/board?{name}=none-of-ours")[1], "no list offers it"
        assert accepted in pages.get("op", "/board")[1], "nor does the cookie keep it"
    assert pages.get("op", "/board?partner=<i>&page=99999&level=x")[0] == 200
    assert "<i>" not in pages.get("op", "/board?partner=<i>")[1]


def test_a_batchs_page_and_the_way_to_it(pages: Pages, accepted: str) -> None:
    status, text = pages.get("op", f"/batch/{accepted}")
    assert status == 200
    for part in ("已取件", "已受理", "SHA-256", "案件办理", f"{accepted}.request.json"):
        assert part in text
    for run in (accepted, f"{accepted}.release-1"):
        answer = pages.client.get(f"/run/{run}", headers={"x-login": "op"}, follow_redirects=False)
        assert answer.headers["location"] == f"/batch/{accepted}"
    assert pages.get("op", "/batch/no.such")[0] == 404
    assert pages.get("op", "/run/no.such")[0] == 404


def test_as_many_statements_for_one_batch_as_for_more(
    pages: Pages, app: App, court: DemoPartner, ask: Callable[..., Request], accepted: str
) -> None:
    """What makes 5,000 batches open at once: nothing is asked of the database batch by batch."""

    def statements() -> int:
        seen: list[str] = []

        def note(*arguments: object) -> None:
            seen.append(str(arguments[2]))

        engine = pages.context.app.register.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            assert pages.get("op", "/board?page=1")[0] == 200
        finally:
            event.remove(engine, "before_cursor_execute", note)
        return len(seen)

    before = statements()
    for _ in range(3):
        request = ask()
        court.drop(court.make_set(request))
        poll(app)
        assert receive(app, request.batch)
    assert statements() == before
