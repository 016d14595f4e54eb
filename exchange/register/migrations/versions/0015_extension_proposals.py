"""Proposals that an objection be given its longer time, and what the leader decided."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "extension_proposal",
        sa.Column("batch_id", sa.String, sa.ForeignKey("batch.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proposed_by", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("decided_by", sa.String),
        sa.Column("approved", sa.Boolean),
        sa.Column("why", sa.String),
    )


def downgrade() -> None:
    op.drop_table("extension_proposal")
