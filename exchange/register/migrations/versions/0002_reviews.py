"""Reviews, releases, objections; snapshots asked a second time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0002"
down_revision = "0001"


def _key() -> sa.Column[str]:
    return sa.Column("batch_id", sa.String, sa.ForeignKey("batch.id"), primary_key=True, nullable=False)


def upgrade() -> None:
    op.add_column("batch", sa.Column("objects_to", sa.String, sa.ForeignKey("batch.id")))
    op.add_column("batch", sa.Column("rows_open", sa.BigInteger))
    op.add_column("snapshot_use", sa.Column("later", sa.Boolean, nullable=False, server_default=sa.false()))
    op.drop_constraint("pk_snapshot_use", "snapshot_use")
    op.create_primary_key("pk_snapshot_use", "snapshot_use", ["batch_id", "source", "later"])
    op.create_table(
        "review",
        _key(),
        sa.Column("row", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("division", sa.String, nullable=False, index=True),
        sa.Column("causes", ARRAY(sa.String), nullable=False),
        sa.Column("state", sa.String, nullable=False, index=True),
        sa.Column("version", sa.Integer, nullable=False),
        *[sa.Column(name, sa.String) for name in ("decision", "reason", "note", "decided_by")],
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("returned_for", sa.String),
    )
    op.create_table(
        "release",
        _key(),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("state", sa.String, nullable=False, index=True),
        sa.Column("rows", ARRAY(sa.Integer), nullable=False),
        sa.Column("counts", sa.String, nullable=False),
        sa.Column("needs_approval", sa.Boolean, nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("judged_by", sa.String),
        sa.Column("judged_at", sa.DateTime(timezone=True)),
        sa.Column("reason", sa.String),
    )
