"""Who was told about whom: keyed hashes of the identity numbers that each batch asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "told",
        sa.Column("batch_id", sa.String, sa.ForeignKey("batch.id"), primary_key=True),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sa.Column("rows", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_told_generation", "told", ["generation"])
    for column in ("hashes", "rows"):  # hashes cannot be compressed; not to try
        op.execute(f"ALTER TABLE told ALTER COLUMN {column} SET STORAGE EXTERNAL")
