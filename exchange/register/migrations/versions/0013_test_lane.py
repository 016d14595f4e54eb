"""Test batches, and who may be live: certificates of conformance and leaders' exemptions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("batch", sa.Column("stage", sa.String))
    op.create_table(
        "conformance",
        sa.Column("partner", sa.String, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("reason", sa.String),
        sa.Column("sha256", sa.String),
    )


def downgrade() -> None:
    op.drop_table("conformance")
    op.drop_column("batch", "stage")
