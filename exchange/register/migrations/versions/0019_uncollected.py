"""Which results were not taken yet, found without going through all that ever were, filled from what is there; and
whose batches are test batches, by partner. Whole or not at all.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "uncollected",
        sa.Column("batch_id", sa.String, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    )
    # Nobody delivers or notices anything that the lines below do not see.
    op.execute("LOCK TABLE batch, file, release, pickup IN SHARE ROW EXCLUSIVE MODE")
    op.execute(r"""
        INSERT INTO uncollected (batch_id, number)
        SELECT data.batch_id, data.number
        FROM (SELECT batch_id, coalesce(substring(role, '-(\d+)$'), '1')::integer AS number
              FROM file WHERE role LIKE 'result_data%') AS data
        JOIN batch ON batch.id = data.batch_id
        LEFT JOIN release ON release.batch_id = batch.id AND release.number = data.number - 1
        CROSS JOIN LATERAL (SELECT objects_to IS NULL OR EXISTS (
            SELECT FROM file WHERE file.batch_id = batch.id AND role = 'signature') AS by_partner) AS sent
        WHERE (data.number = 1 AND batch.state IN ('delivered', 'closed') AND by_partner
               OR release.state = 'delivered' AND (by_partner OR release.upheld > 0))
            AND NOT EXISTS (SELECT FROM pickup WHERE pickup.batch_id = batch.id AND pickup.number = data.number)
    """)
    op.execute("ANALYZE uncollected")
    op.create_index("ix_batch_test", "batch", ["partner"], postgresql_where=sa.text("stage IS NOT NULL"))


def downgrade() -> None:
    op.drop_index("ix_batch_test", "batch")
    op.drop_table("uncollected")
