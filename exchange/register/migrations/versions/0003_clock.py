"""The clock of a batch and its stops, alerts, sets that should have come and have not."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, primary_key=True)


def upgrade() -> None:
    op.add_column("batch", sa.Column("due_working_days", sa.Integer))
    op.add_column("batch", sa.Column("clock_stands", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("batch", sa.Column("arrival", sa.String))
    op.add_column("batch", sa.Column("receipts_sent", sa.Integer, nullable=False, server_default="1"))
    op.create_table(
        "clock_stop",
        sa.Column("batch_id", sa.String, sa.ForeignKey("batch.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        _moment("stopped_at"),
        sa.Column("stopped_by", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("note", sa.String),
        _moment("started_at", nullable=True),
        *[sa.Column(name, sa.String) for name in ("started_by", "started_note")],
    )
    op.create_table(
        "alert",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("partner", sa.String, nullable=False, index=True),
        *[sa.Column(name, sa.String, nullable=False) for name in ("subject", "code")],
        sa.Column("days", sa.Integer, nullable=False),
        *[sa.Column(name, sa.Date, nullable=False) for name in ("due_on", "true_on")],
        _moment("noticed_at"),
        _moment("told_at", nullable=True),
        sa.UniqueConstraint("subject", "code", "days", "due_on"),
    )
    op.create_table(
        "missing_set",
        *[_key(name) for name in ("partner", "cycle", "period", "purpose")],
        sa.Column("expected_by", sa.Date, nullable=False),
        _moment("noticed_at"),
        sa.Column("reminders", sa.Integer, nullable=False),
        _moment("reminded_at", nullable=True),
        _moment("arrived_at", nullable=True),
    )
