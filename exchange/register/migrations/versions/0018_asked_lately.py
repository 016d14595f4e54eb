"""Whom small sets of the last month asked about, a row a number: filled from what is there, whole or not at all."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "asked_lately",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("batch_id", sa.String, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.execute("LOCK TABLE told IN SHARE ROW EXCLUSIVE MODE")  # nobody adds a batch that the lines below do not see
    op.execute("""
        INSERT INTO asked_lately (number, batch_id, at)
        SELECT DISTINCT ('x' || encode(substring(hashes FROM 8 * place + 1 FOR 8), 'hex'))::bit(64)::bigint,
            batch_id, at
        FROM told JOIN guard_evidence USING (batch_id), generate_series(0, length(hashes) / 8 - 1) AS place
        WHERE guard_evidence.rows <= 10000 AND at > now() - interval '31 days'
    """)
    op.execute("ANALYZE asked_lately")


def downgrade() -> None:
    op.drop_table("asked_lately")
