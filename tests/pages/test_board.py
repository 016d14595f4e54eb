"""The board and a batch's page; the board over very many batches."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import event

from exchange.app import App
from exchange.base.duty import ALTERED, COLLECT, LOOKOUT, RELEASES, RETENTION, VERIFY, WATCH, Duties
from exchange.base.explained import explanations
from exchange.base.tables import SOURCES
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.pages.asked import Failure
from exchange.steps.deliver import deliver
from exchange.steps.process import process
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
    message = "SFTP server x: the login as exchange is refused"
    pages.failures[accepted] = Failure("process", "/dags/batch/runs/x/tasks/process", code="server", message=message)
    of_partner = {accepted, "长春市中级人民法院", "案件办理", "已受理"}
    why = {"任务 process 失败", "/dags/batch/runs/x/tasks/process", message, *_of("server"), "然后点 Clear"}
    for path, parts in (
        ("/board?partner=court-changchun", of_partner | why),
        ("/board?state=failed", of_partner | why),
        (f"/batch/{accepted}", why),
    ):
        status, text = pages.get("op", path)
        assert status == 200
        assert [part for part in parts if part not in text] == []
    assert accepted not in pages.get("op", "/board?state=delivered")[1]
    pages.failures.clear()
    assert accepted not in pages.get("op", "/board?state=failed")[1]
    assert accepted in pages.get("op", "/board?state=accepted")[1]


def _of(code: str) -> set[str]:
    found = explanations()[code]
    return {found.zh, found.todo_zh}


@pytest.mark.parametrize(
    ("failure", "parts"),
    [
        (Failure("process", "/x"), {"没有留下说明", "然后点 Clear"}),
        (
            Failure("process", "/x", code="none-of-ours", message="<script>1</script>"),
            {"没有留下说明", "&lt;script&gt;"},
        ),
        (Failure("process", "/x", again=True, code="server_away", message="away"), {"将自动重试", "away"}),
        (Failure("", "/x"), {"运行 run 失败", "被标记为失败", "不只是失败的", "然后点 Clear"}),
    ],
)
def test_what_was_left_is_shown_as_it_is_and_nothing_else(
    pages: Pages, accepted: str, failure: Failure, parts: set[str]
) -> None:
    """An operator can alter it in Airflow."""
    pages.failures[accepted] = failure
    for path in ("/board?state=failed", f"/batch/{accepted}"):
        text = pages.get("op", path)[1]
        assert [part for part in parts if part not in text] == []
        assert ("然后点 Clear" in text) != failure.again
        assert "<script>1" not in text


@pytest.mark.parametrize("is_release", [False, True], ids=["its run", "a release's"])
def test_what_failed_of_a_run_is_over_once_its_batch_is_answered(
    pages: Pages, app: App, accepted: str, is_release: bool
) -> None:
    """By hand, or by another run: nobody has to clear anything. What sends a release is told until that is sent."""
    process(app, accepted)
    pages.failures[accepted] = Failure("process", "/x", code="server_away", message="away", release=is_release)
    assert "away" in pages.get("op", f"/batch/{accepted}")[1]
    deliver(app, accepted)
    assert ("away" in pages.get("op", f"/batch/{accepted}")[1]) == is_release
    assert accepted not in pages.get("op", "/board?state=failed")[1] or is_release


def test_how_the_office_stands_is_there_while_all_is_well_and_when_it_is_not(pages: Pages, app: App) -> None:
    duties = Duties.of_home(app.settings.home)
    for duty in (COLLECT, LOOKOUT, WATCH, RELEASES, RETENTION):
        duties.done(duty)
    duties.done(VERIFY, "123")
    text = pages.get("op", "/board")[1]
    for source in SOURCES.values():
        assert re.search(rf"{source.zh}：\d+ 天，限 {source.max_age_days} 天", text)
    for part in ("值守在岗", "收件按时进行", "时限按时巡查", "登记簿 123 行，核对无误", "天内到期 0 张", "最早："):
        assert part in text
    duties.done(VERIFY, ALTERED)
    try:
        assert "上次核对登记簿未通过" in pages.get("op", "/board")[1]
    finally:
        duties.done(VERIFY, "123")


def test_a_long_table_of_a_batch_is_paged_by_itself(pages: Pages, app: App, accepted: str) -> None:
    for _ in range(60):
        app.register.retention.hold(accepted, "a court asks", app.now())
        app.register.retention.release_hold(accepted, app.now())
    first, last = (pages.get("op", f"/batch/{accepted}{query}")[1] for query in ("", "?of=ledger&page=2"))
    for text, number in ((first, 1), (last, 2)):
        assert f"第 {number}/2 页" in text
        assert f"{accepted}.request.json" in text, "the other tables are whole"
    assert "保全" in last
    assert "已取件" not in last.partition('id="ledger"')[2], "the ledger's first line"
    assert f"/batch/{accepted}?of=ledger&amp;page=2#ledger" in first or "?of=ledger&page=2#ledger" in first
    assert pages.get("op", f"/batch/{accepted}?of=nothing&page=9")[1].count("第 1/2 页") == 1


@pytest.mark.usefixtures("all_partners")
def test_the_filter_is_kept(pages: Pages, accepted: str) -> None:
    assert accepted not in pages.get("op", "/board?partner=health-jilin")[1]
    assert accepted not in pages.get("op", "/board")[1], "the cookie remembers"
    assert accepted in pages.get("op", "/board?page=1")[1]
    for name in ("partner", "level", "state", "urgency", "waits"):
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
