"""Which pages each account may reach: what the pages' tests and those behind Airflow's log-in both hold against."""

from __future__ import annotations

OFFICER = {
    "start", "review", "open_row", "decide_row", "undo_row", "objections", "open_objection", "returned",
    "propose_again",
}  # fmt: skip
OPERATOR = {"start", "board", "batch", "run", "metrics", "search", "search_register"}
EXPECTED = {
    "viewer": {"start"},
    "op": OPERATOR,
    "admin": OPERATOR,
    "officer": OFFICER,
    "officer-b": OFFICER,
    "yanbian": OFFICER,
    "leader": {
        "start",
        "batch",
        "run",
        "approvals",
        "approval",
        "approve_release",
        "return_release",
        "decide_stop",
        "decide_hold",
        "sample",
        "open_row",
        "decide_row",
        "extend",
    },
    "supervisor": OPERATOR | {"supervision", "supervision_csv", "report_file"},
}
"""Account → what it may reach; by hand, so that a slip in the table is noticed."""


OPEN = {"health"}
"""What anyone may, without an account; it tells nothing but whether this server is healthy."""
