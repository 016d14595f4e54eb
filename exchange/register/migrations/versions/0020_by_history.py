"""When batches ended, which are the newest, which sets of a partner came for a period, who objects to a batch: by an
index: what is asked by the clock goes no longer through all that ever was.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    ended = sa.text("to_state IN ('closed', 'refused') AND from_state <> to_state")
    op.create_index("ix_ledger_ended", "ledger", ["batch_id", "at"], postgresql_where=ended)
    op.create_index("ix_batch_set", "batch", ["partner", "cycle", "period", "purpose"])
    op.create_index("ix_batch_received_at", "batch", ["received_at"])
    op.create_index("ix_batch_of_partner", "batch", ["partner", "received_at"])
    objection = sa.text("objects_to IS NOT NULL")
    op.create_index("ix_batch_objects_to", "batch", ["objects_to"], postgresql_where=objection)


def downgrade() -> None:
    op.drop_index("ix_batch_objects_to", "batch")
    op.drop_index("ix_batch_of_partner", "batch")
    op.drop_index("ix_batch_received_at", "batch")
    op.drop_index("ix_batch_set", "batch")
    op.drop_index("ix_ledger_ended", "ledger")
