"""The register's first tables, and a ledger that the database itself keeps from being changed."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0001"
down_revision = None


def _moment(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=nullable)


def _batch_id(*, primary_key: bool = True) -> sa.Column[str]:
    return sa.Column("batch_id", sa.String, sa.ForeignKey("batch.id"), primary_key=primary_key, nullable=False)


def upgrade() -> None:
    op.create_table(
        "batch",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("partner", sa.String, nullable=False, index=True),
        _text("manifest_sha256"),
        sa.Column("state", sa.String, nullable=False, index=True),
        _moment("received_at"),
        *[_text(name, nullable=True) for name in ("cycle", "period", "purpose", "legal_basis", "letter", "handler")],
        sa.Column("items", ARRAY(sa.String), nullable=False),
        sa.Column("rows_in", sa.BigInteger),
        sa.Column("due_on", sa.Date),
        sa.Column("due_original", sa.Date),
        sa.Column("due_provisional", sa.Boolean, nullable=False),
        _text("refusal_code", nullable=True),
        sa.Column("refusal_row", sa.BigInteger),
        _text("refusal_column", nullable=True),
    )
    op.create_table(
        "file",
        _batch_id(),
        sa.Column("role", sa.String, primary_key=True),
        _text("name"),
        _text("sha256"),
        sa.Column("size", sa.BigInteger, nullable=False),
        _moment("recorded_at"),
    )
    op.create_table(
        "ledger",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        _batch_id(primary_key=False),
        _text("from_state", nullable=True),
        _text("to_state"),
        _moment("at"),
        *[_text(name) for name in ("actor", "facts", "previous_hash", "hash")],
        sa.Index("ix_ledger_batch_id", "batch_id"),
    )
    op.create_table(
        "ledger_head",
        sa.Column("single", sa.Boolean, sa.CheckConstraint("single"), primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        _text("hash"),
    )
    op.create_table(
        "snapshot_use",
        _batch_id(),
        sa.Column("source", sa.String, primary_key=True),
        _text("version"),
        sa.Column("as_of", sa.Date, nullable=False),
    )
    op.create_table(
        "answer_count",
        _batch_id(),
        sa.Column("item", sa.String, primary_key=True),
        sa.Column("code", sa.String, primary_key=True),
        sa.Column("n", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "unfinished_set",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        *[_text(name) for name in ("partner", "stem", "fingerprint", "reason")],
        _moment("first_seen"),
        _moment("noticed_at", nullable=True),
        sa.UniqueConstraint("partner", "stem"),
    )
    op.execute(
        """
        CREATE FUNCTION ledger_is_only_added_to() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'the ledger is only added to'; END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER ledger_is_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
        FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_only_added_to()
        """
    )
