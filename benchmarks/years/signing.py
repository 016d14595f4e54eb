"""Signs the lines that ``filling.py`` made: hash, tree, root and signature of each, as the steps would have.

Rule: of a ledger of millions of lines only the newest are signed, those of the batches that are still worked at among
them: whoever attests one of these finds it sound. The others are as wide, and nobody's: it cannot be verified.
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import psycopg
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from exchange.demo.servers.postgres import Postgres
from exchange.register import digests, ledger
from exchange.register.merkle import Tree
from exchange.register.models import LedgerRow
from exchange.register.signing import LedgerKey

_COLUMNS: Final = (
    "seq", "batch_id", "from_state", "to_state", "at", "actor", "facts", "previous_hash", "hash", "digests", "root",
    "signature",
)  # fmt: skip
_READ: Final = """
SELECT batch_id, from_state, to_state, at, actor, facts::text, digests, is_last FROM made_line
WHERE seq > {unsigned} ORDER BY seq"""
_UNSIGNED: Final = """
INSERT INTO ledger (seq, batch_id, from_state, to_state, at, actor, facts, previous_hash, hash, digests, root,
    signature)
SELECT seq, batch_id, from_state, to_state, at, actor, facts::text, hashed, hashed, digests, left(hashed, 44),
    hashed || left(hashed, 28)
FROM made_line, LATERAL (SELECT md5('l' || seq) || md5(seq || 'l') AS hashed) AS made WHERE seq <= {unsigned}"""
_BATCH_OF: Final = {
    "alert": "SELECT id::text, subject FROM alert",
    "destruction": "SELECT id::text, batch_id FROM destruction",
}
_SEVERAL: Final = 2000
_NOTED: Final = 50
"""Single rows of no batch that a line states."""


def sign(postgres: Postgres, engine: Engine, key: LedgerKey, newest: int) -> int:
    """Writes the ledger, so many of its newest lines signed; how many it has. ``engine``: of the tables' owner."""
    with postgres.connected("exchange", "exchange") as reader, postgres.connected("exchange", "exchange") as writer:
        (made,) = reader.execute("SELECT count(*) FROM made_line").fetchone() or (0,)
        unsigned = max(0, made - newest)
        writer.execute(_UNSIGNED.format(unsigned=unsigned).encode())
        rows = _of_rows(reader, engine) if not unsigned else {}
        tree = Tree.restored(unsigned, " ".join([ledger.BEGINNING] * unsigned.bit_count()))
        previous = ledger.BEGINNING
        with writer.cursor().copy(f"COPY ledger ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
            for fields in _lines(reader, engine, rows, unsigned):
                line = LedgerRow(seq=tree.size + 1, previous_hash=previous, **fields)
                line.hash = previous = ledger.hash_of(line)
                tree.add(line.hash)
                line.root = base64.b64encode(tree.root()).decode()
                line.signature = key.sign(ledger.checkpoint_of(line))
                copy.write_row([getattr(line, name) for name in _COLUMNS])
        head = (tree.size, previous, tree.written)
        writer.execute("INSERT INTO ledger_head (single, seq, hash, subtrees) VALUES (true, %s, %s, %s)", head)
        for statement in ("DROP TABLE made, made_line", "VACUUM ANALYZE"):
            writer.execute(statement.encode())
    return tree.size


def _lines(
    reader: psycopg.Connection[Any], engine: Engine, rows: dict[str, dict[str, str]], unsigned: int
) -> Iterator[dict[str, Any]]:
    last = datetime.min
    with reader.transaction(), reader.cursor("lines") as cursor:
        cursor.execute(_READ.format(unsigned=unsigned).encode())
        while several := cursor.fetchmany(_SEVERAL):
            with Session(engine) as session:
                held = digests.of_batches(session, [line[0] for line in several if line[-1]])
            for batch, before, after, at, actor, facts, stated, is_last in several:
                said = json.dumps({**held[batch], **rows.pop(batch, {})}, sort_keys=True) if is_last else stated
                names = ("batch_id", "from_state", "to_state", "at", "actor", "facts", "digests")
                yield dict(zip(names, (batch, before, after, at, actor, facts, said), strict=True))
                last = at
    for table, stated in rows.items():
        names = ("batch_id", "from_state", "to_state", "at", "actor", "facts", "digests")
        yield dict(zip(names, (None, None, ledger.NOTED, last, table, "{}", json.dumps(stated)), strict=True))


def _of_rows(reader: psycopg.Connection[Any], engine: Engine) -> dict[str, dict[str, str]]:
    """Batch, or table and number → what the line about it states of single rows."""
    stated: dict[str, dict[str, str]] = defaultdict(dict)
    with Session(engine) as session:
        for table in digests.BY_ROW:
            batch_of = dict(reader.execute(_BATCH_OF[table].encode()).fetchall()) if table in _BATCH_OF else {}
            of_batch = table in ("told", "guard_evidence", *_BATCH_OF)
            for number, (name, digest) in enumerate(digests.of_rows(session, table)):
                key = name.partition("/")[2]
                stated[batch_of.get(key, key) if of_batch else f"{table}.{number // _NOTED}"][name] = digest
    return stated
