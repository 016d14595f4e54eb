"""A second officer's word on a row, and who has a row open."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("review", sa.Column("earlier", sa.String))
    op.add_column("review", sa.Column("decided_with", ARRAY(sa.String)))
    op.add_column("review", sa.Column("held_by", sa.String))
    op.add_column("review", sa.Column("held_until", sa.DateTime(timezone=True)))


def downgrade() -> None:
    for name in ("held_until", "held_by", "decided_with", "earlier"):
        op.drop_column("review", name)
