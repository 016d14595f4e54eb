"""Proposals that a batch's clock be stopped, and what the leader decided."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def _moment(name: str, *, nullable: bool) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "clock_proposal",
        sa.Column("batch_id", sa.String, sa.ForeignKey("batch.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        _moment("proposed_at", nullable=False),
        sa.Column("proposed_by", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("note", sa.String),
        _moment("decided_at", nullable=True),
        sa.Column("decided_by", sa.String),
        sa.Column("approved", sa.Boolean),
        sa.Column("why", sa.String),
    )
