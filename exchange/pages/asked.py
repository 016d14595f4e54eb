"""What the function of a page is handed: the office, who is asking, and what was posted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse

from exchange.app import App
from exchange.base.explained import Explanation, explanations
from exchange.operation.health import Health, quick
from exchange.pages import answering
from exchange.pages.access import Visitor
from exchange.pages.forgery import make_token, token_key
from exchange.register import Batch, Register, State
from exchange.settings import read_secret
from exchange.supervision.months import Kept

_NO_REASON_LEFT: Final = Explanation(
    "", (), "没有留下说明：超时、被终止，或进程被杀", "nothing was left: too slow, ended from outside, or killed",
    "看任务日志；没有异常的即可重跑", "read its log; where nothing is wrong it may be run again",
)  # fmt: skip
_MARKED: Final = Explanation(
    "", (), "整个运行被标记为失败，没有任务出错", "the run was marked failed; no task of it has failed",
    "在审计日志中查明何人、为何标记；要继续办理的，选择整个运行的全部任务（不只是失败的）",
    "see in the audit log who marked it, and why; to go on, choose all tasks of the run and not the failed ones alone",
)  # fmt: skip


@dataclass(frozen=True)
class Failure:
    """A batch's run of which a task failed: which one, none where the run was marked, and where it is seen. ``again``:
    it is tried again by itself; ``code``: what stopped it (``schemas/troubles.toml``), ``message``: its last sentence.
    Both come from Airflow, where an operator can alter them: they are shown, and nothing else. ``release``: of a run
    that sends a release.
    """

    task: str
    href: str
    again: bool = False
    code: str = ""
    message: str = ""
    release: bool = False

    @property
    def why(self) -> Explanation:
        """What the failure means and what to do."""
        return explanations().get(self.code, _NO_REASON_LEFT) if self.task else _MARKED


def _is_answered(batch: Batch) -> bool:
    """Whether nothing is left of it but rows that wait for a release."""
    return batch.state is State.CLOSED or (batch.state is State.DELIVERED and bool(batch.rows_open))


@dataclass(frozen=True)
class PageContext:
    """The opened office behind the pages. ``failures``: batch → what failed, from whoever runs the tasks; ``log_in``:
    the address at which one is logged out and in again; ``months``: the whole months that supervision counted.
    """

    app: App
    failures: Callable[[], Mapping[str, Failure]]
    log_in: str = "/"
    months: Kept = field(default_factory=dict)

    @cached_property
    def key(self) -> bytes:
        """The key of the tokens against forged requests."""
        return token_key(read_secret(self.app.settings.keys.signing_key))

    @cached_property
    def health(self) -> Health:
        """Looks with a register of its own, which gives a silent database up early."""
        return Health(quick(self.app.settings))

    def failures_of(self, batches: Iterable[Batch]) -> dict[str, Failure]:
        """Of these batches. What failed of a run is over once its batch is answered, whoever did that: by hand, say."""
        failed = self.failures()
        return {
            batch.id: failure
            for batch in batches
            if (failure := failed.get(batch.id)) is not None and (failure.release or not _is_answered(batch))
        }

    def of(self, visitor: Visitor) -> App:
        """The office in this person's name."""
        actor = visitor.person.id if visitor.person else f"login:{visitor.account.login}"
        return App(self.app.settings, Register(self.app.register.engine, actor), self.app.now)


@dataclass(frozen=True)
class PageRequest:
    """One request: whose, in whose name, and what was posted."""

    request: Request
    context: PageContext
    visitor: Visitor
    app: App
    form: Mapping[str, str]

    @property
    def token(self) -> str:
        """A token for the forms of this page."""
        return make_token(self.context.key, self.visitor.account.login, self.app.now())

    def page(self, template: str, **values: Any) -> HTMLResponse:
        """The template's page for this visitor."""
        known: dict[str, Any] = {"token": self.token, "now": self.app.now(), "stale": self.stale}
        return answering.page(self.request, template, self.visitor, **known | values)

    @property
    def stale(self) -> int | None:
        """After how many minutes a log-in is too old for a leader's word, where this one is."""
        minutes = self.app.settings.policy.approve_login_minutes
        return None if self.visitor.account.is_fresh(self.app.now(), minutes) else minutes

    def see(self, path: str) -> RedirectResponse:
        """Leads to another page of this application, wherever it is mounted; ``url_for`` would ask the application
        around it, which does not know our names.
        """
        return RedirectResponse(self.request.scope.get("root_path", "") + path, 303)
