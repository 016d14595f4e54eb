"""The ledger's lines of a span of time, and those that told due days: what counts months side by side."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_index("ix_ledger_at", "ledger", ["at"])
    told = sa.text(r"""facts LIKE '%"due\_%'""")
    op.create_index("ix_ledger_due", "ledger", ["batch_id", "at"], postgresql_where=told)


def downgrade() -> None:
    op.drop_index("ix_ledger_due", "ledger")
    op.drop_index("ix_ledger_at", "ledger")
