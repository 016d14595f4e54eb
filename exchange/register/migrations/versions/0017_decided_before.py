"""Rows of the queue by their case, and which earlier row one was decided as; empty in rows of before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("review", sa.Column("case_hash", sa.String))
    op.add_column("review", sa.Column("as_before", sa.String))
    op.create_index("ix_review_case_hash", "review", ["case_hash"])


def downgrade() -> None:
    op.drop_index("ix_review_case_hash", "review")
    op.drop_column("review", "as_before")
    op.drop_column("review", "case_hash")
