"""Lines of the ledger are signed, tell what the tables hold, and may be about no batch."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    for name in ("digests", "root", "signature"):
        op.add_column("ledger", sa.Column(name, sa.String))
    op.alter_column("ledger", "batch_id", nullable=True)
    op.add_column("ledger_head", sa.Column("subtrees", sa.String, nullable=False, server_default=""))
