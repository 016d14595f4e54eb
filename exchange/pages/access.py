"""Who may see and do what: the table of routes. The tests are made from it; no other place decides.

Rules
- A route is open to the members of the groups that it names, and to nobody else.
- One page needs no log-in (``Group.ANYONE``): whether this server is healthy, in a word, for load balancers.
- Being an administrator of Airflow opens no page of officers, leaders or supervisors.
- What writes is a POST with a token against forgery (``forgery.py``).
- A leader's word needs a log-in that is not older than ``approve_login_minutes`` (settings, ``[policy]``): whoever
  finds the leader's screen open approves nothing.
- A route's path and query hold batch ids, codes and page numbers, nothing of a person.
- Beyond the group, a row is an officer's only where it is their office's (``review/people.py``), and a leader's only
  where two officers differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

from exchange.settings_sections import Person, PersonRole


class Group(StrEnum):
    """Why somebody may: anybody at all, who is logged in, who may run things in Airflow, or a role of the settings'
    people.
    """

    ANYONE = "anyone"
    LOGGED_IN = "logged_in"
    OPERATOR = "operator"
    OFFICER = PersonRole.OFFICER.value
    LEADER = PersonRole.LEADER.value
    SUPERVISOR = PersonRole.SUPERVISOR.value


@dataclass(frozen=True)
class Account:
    """Who is asking, as the log-in says it. ``login``: the account's name; ``operates``: it may run things; ``since``:
    when a password was last given for it, None where nobody can say.
    """

    login: str
    operates: bool = False
    since: datetime | None = None

    def is_fresh(self, now: datetime, minutes: int) -> bool:
        """Whether it was logged in within so many minutes; a moment ahead of this clock is fresh, too."""
        return self.since is not None and now - self.since <= timedelta(minutes=minutes)


@dataclass(frozen=True)
class Visitor:
    """An account with its person of the settings; None where the settings name none."""

    account: Account
    person: Person | None

    @property
    def groups(self) -> frozenset[Group]:
        """The groups that this visitor is in."""
        own = frozenset({Group.LOGGED_IN} | ({Group.OPERATOR} if self.account.operates else set()))
        roles = self.person.roles if self.person else frozenset()
        return own | frozenset(group for group in Group if group.value in roles)

    @property
    def name(self) -> str:
        """The name that the page shows for them."""
        return self.person.zh if self.person else self.account.login


@dataclass(frozen=True)
class PageRoute:
    """``name``: of the function that answers; ``groups``: any of these may; ``fresh``: only soon after a log-in."""

    method: Literal["GET", "POST"]
    path: str
    name: str
    groups: frozenset[Group]
    fresh: bool = False


def _word(path: str, name: str) -> PageRoute:
    """A leader's word."""
    return PageRoute("POST", path, name, frozenset({Group.LEADER}), fresh=True)


def _route(method: Literal["GET", "POST"], path: str, name: str, *groups: Group) -> PageRoute:
    return PageRoute(method, path, name, frozenset(groups))


ROUTES: Final = (
    _route("GET", "/", "start", Group.LOGGED_IN),
    _route("GET", "/board", "board", Group.OPERATOR, Group.SUPERVISOR),
    _route("GET", "/batch/{batch_id}", "batch", Group.OPERATOR, Group.SUPERVISOR, Group.LEADER),
    _route("GET", "/run/{run_id}", "run", Group.OPERATOR, Group.SUPERVISOR, Group.LEADER),
    _route("GET", "/review", "review", Group.OFFICER),
    _route("POST", "/review/open", "open_row", Group.OFFICER, Group.LEADER),
    _route("POST", "/review/next", "open_next", Group.OFFICER),
    _route("POST", "/review/leave", "leave_row", Group.OFFICER, Group.LEADER),
    _route("POST", "/review/hand", "hand_row", Group.OFFICER),
    _route("POST", "/review/alike", "see_alike", Group.OFFICER),
    _route("POST", "/review/together", "decide_alike", Group.OFFICER),
    _route("POST", "/review/decide", "decide_row", Group.OFFICER, Group.LEADER),
    _route("POST", "/review/stop", "propose_stop", Group.OFFICER),
    _route("POST", "/review/more-time", "propose_extension", Group.OFFICER),
    _route("POST", "/review/undo", "undo_row", Group.OFFICER),
    _route("GET", "/objection", "objections", Group.OFFICER),
    _route("POST", "/objection/open", "open_objection", Group.OFFICER),
    _route("GET", "/returned/{release_id}", "returned", Group.OFFICER),
    _route("POST", "/returned/propose", "propose_again", Group.OFFICER),
    _route("GET", "/approval", "approvals", Group.LEADER),
    _route("GET", "/approval/{release_id}", "approval", Group.LEADER),
    _route("POST", "/approval/sample", "sample", Group.LEADER),
    _word("/approval/approve", "approve_release"),
    _word("/approval/return", "return_release"),
    _word("/approval/stop", "decide_stop"),
    _word("/approval/hold", "decide_hold"),
    _word("/approval/extend", "extend"),
    _word("/approval/more-time", "decide_extension"),
    _route("GET", "/health", "health", Group.ANYONE),
    _route("GET", "/metrics", "metrics", Group.OPERATOR, Group.SUPERVISOR),
    _route("GET", "/supervision", "supervision", Group.SUPERVISOR),
    _route("GET", "/supervision/csv/{table}", "supervision_csv", Group.SUPERVISOR),
    _route("GET", "/supervision/report/{name}", "report_file", Group.SUPERVISOR),
    _route("GET", "/search", "search", Group.OPERATOR, Group.SUPERVISOR),
    _route("POST", "/search", "search_register", Group.OPERATOR, Group.SUPERVISOR),
)
STATIC: Final = "/static"
"""Style and script, the same for everybody: open to anyone, no data."""
