"""Results taken by partners, what became of open answers, retention: holds and destructions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def _batch(*, key: bool = True) -> sa.Column[str]:
    return sa.Column("batch_id", sa.String, sa.ForeignKey("batch.id"), primary_key=key, nullable=not key)


def _number() -> sa.Column[int]:
    return sa.Column("number", sa.Integer, primary_key=True, autoincrement=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.add_column("release", sa.Column("settled", sa.String, nullable=False, server_default="{}"))
    op.add_column("release", sa.Column("upheld", sa.Integer))
    op.create_table("pickup", _batch(), _number(), _moment("noticed_at"), sa.Column("how", sa.String, nullable=False))
    op.create_table(
        "legal_hold",
        _batch(),
        _number(),
        _moment("held_at"),
        *[sa.Column(name, sa.String, nullable=False) for name in ("held_by", "reason")],
        _moment("released_at", nullable=True),
        sa.Column("released_by", sa.String),
    )
    op.create_table(
        "destruction",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        _batch(key=False),
        *[sa.Column(name, sa.String, nullable=False) for name in ("role", "kind", "sha256", "policy", "actor")],
        _moment("intended_at"),
        _moment("done_at", nullable=True),
        sa.UniqueConstraint("batch_id", "role"),
    )
    op.create_index("ix_file_sha256", "file", ["sha256"])
