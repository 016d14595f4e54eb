"""The hash of what a release sends, which the leader approves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("release", sa.Column("answers_sha256", sa.String))


def downgrade() -> None:
    op.drop_column("release", "answers_sha256")
