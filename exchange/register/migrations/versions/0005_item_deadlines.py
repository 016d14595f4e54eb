"""The due day of items with a later limit than their batch."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("batch", sa.Column("due_last", sa.Date))


def downgrade() -> None:
    op.drop_column("batch", "due_last")
