"""Who was told about whom: keyed hashes of the numbers that each batch asked; what the guard against fishing keeps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "told",
        sa.Column("batch_id", sa.String, sa.ForeignKey("batch.id"), primary_key=True),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sa.Column("rows", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_told_generation", "told", ["generation"])
    for column in ("hashes", "rows"):  # hashes cannot be compressed; not to try
        op.execute(f"ALTER TABLE told ALTER COLUMN {column} SET STORAGE EXTERNAL")
    _uses()
    _guard()


def _uses() -> None:
    op.create_table(
        "told_use",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        *[sa.Column(name, sa.String, nullable=False) for name in ("asked_by", "reason", "letter")],
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True)),
        sa.Column("confirmed_by", sa.String),
        sa.Column("batches", sa.Integer),
    )
    op.create_table(
        "told_withheld",
        sa.Column("batch_id", sa.String, sa.ForeignKey("batch.id"), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *[sa.Column(name, sa.String, nullable=False) for name in ("by", "reason")],
    )


def _guard() -> None:
    op.create_table(
        "guard_evidence",
        sa.Column("batch_id", sa.String, sa.ForeignKey("batch.id"), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *[sa.Column(name, sa.Integer, nullable=False) for name in ("rows", "no_such_number", "name_disagrees")],
        sa.Column("generation", sa.Integer, nullable=False),
        *[sa.Column(name, sa.LargeBinary, nullable=False) for name in ("numbers", "names", "groups")],
    )
    op.create_index("ix_guard_evidence_at", "guard_evidence", ["at"])
    op.create_table(
        "guard_hold",
        sa.Column("batch_id", sa.String, sa.ForeignKey("batch.id"), primary_key=True),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tripped", sa.ARRAY(sa.String), nullable=False),
        sa.Column("decision", sa.String),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("decided_by", sa.String),
        sa.Column("reason", sa.String),
    )
