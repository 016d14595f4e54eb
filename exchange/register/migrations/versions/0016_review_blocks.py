"""Digests of the queue's rows by blocks: empty until the next line about a batch, which tells all of its blocks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "review_block",
        sa.Column("batch_id", sa.String, sa.ForeignKey("batch.id"), primary_key=True),
        sa.Column("block", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.String, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("review_block")
