"""With the owner's rights the tables are made to say one thing to whoever attests, and another to whoever reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.base.errors import Halt
from exchange.register import Register
from exchange.register.checkpoints import Kept

from .conftest import Database
from .test_forged import BATCH, waiting

__all__ = ["waiting"]

OWNER = "exchange"
BAD = "CREATE FUNCTION bad() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$; "
BAD_GONE = "; DROP FUNCTION bad"
POLICY = "ALTER TABLE {0} ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON {0} USING (current_query() ~ 'to_jsonb')"
NO_POLICY = "DROP POLICY p ON {0}; ALTER TABLE {0} DISABLE ROW LEVEL SECURITY"
GUARD = (
    "CREATE OR REPLACE FUNCTION ledger_is_only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$"
    " BEGIN RAISE EXCEPTION 'the ledger is only added to'; END $$"
)
FORGERIES = {
    "releases that are seen by whoever attests alone": (POLICY.format("release"), NO_POLICY.format("release")),
    "a queue that is seen by whoever attests alone": (POLICY.format("review"), NO_POLICY.format("review")),
    "a function in place of the database's own": (
        "CREATE TABLE kept AS SELECT * FROM release; GRANT SELECT ON kept TO PUBLIC;"
        " CREATE FUNCTION to_jsonb(r release) RETURNS jsonb LANGUAGE sql STABLE AS"
        " 'SELECT pg_catalog.to_jsonb(k) FROM kept k WHERE k.batch_id = (r).batch_id';"
        " UPDATE release SET state = 'approved', judged_by = 'leader', judged_at = now()",
        "DROP FUNCTION to_jsonb(release); DROP TABLE kept",
    ),
    "a view in a table's place": (
        "ALTER TABLE release RENAME TO kept; CREATE VIEW release AS SELECT batch_id, number,"
        " CASE WHEN current_query() ~ 'to_jsonb' THEN state ELSE 'approved' END AS state, rows, counts, settled,"
        " upheld, answers_sha256, needs_approval, proposed_at, judged_by, judged_at, reason FROM kept;"
        " GRANT ALL ON release TO exchange_work",
        "DROP VIEW release; ALTER TABLE kept RENAME TO release",
    ),
    "a trigger": (
        BAD + "CREATE TRIGGER t BEFORE INSERT ON review FOR EACH ROW EXECUTE FUNCTION bad()",
        "DROP TRIGGER t ON review" + BAD_GONE,
    ),
    "a ledger that may be changed": (
        "ALTER TABLE ledger DISABLE TRIGGER ledger_is_only_added_to",
        "ALTER TABLE ledger ENABLE TRIGGER ledger_is_only_added_to",
    ),
    "a rule": ("CREATE RULE r AS ON UPDATE TO release DO INSTEAD NOTHING", "DROP RULE r ON release"),
    "an operator in place of the database's own": (
        "CREATE FUNCTION same(a varchar, b text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';"
        " CREATE OPERATOR = (LEFTARG = varchar, RIGHTARG = text, FUNCTION = same)",
        "DROP OPERATOR = (varchar, text); DROP FUNCTION same",
    ),
    "a cast": (
        "CREATE FUNCTION told(r release) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT '{}'::jsonb $$;"
        " CREATE CAST (release AS jsonb) WITH FUNCTION told(release)",
        "DROP CAST (release AS jsonb); DROP FUNCTION told(release)",
    ),
    "a foreign key that is gone": (
        "ALTER TABLE release DROP CONSTRAINT fk_release_batch_id",
        "ALTER TABLE release ADD CONSTRAINT fk_release_batch_id FOREIGN KEY (batch_id) REFERENCES batch (id)",
    ),
    "a foreign key that leads elsewhere": (
        "CREATE TABLE kept (id varchar PRIMARY KEY); INSERT INTO kept SELECT id FROM batch;"
        " ALTER TABLE release DROP CONSTRAINT fk_release_batch_id,"
        " ADD CONSTRAINT fk_release_batch_id FOREIGN KEY (batch_id) REFERENCES kept (id)",
        "ALTER TABLE release DROP CONSTRAINT fk_release_batch_id,"
        " ADD CONSTRAINT fk_release_batch_id FOREIGN KEY (batch_id) REFERENCES batch (id); DROP TABLE kept",
    ),
    "a key that is gone": (
        "ALTER TABLE release DROP CONSTRAINT pk_release",
        "ALTER TABLE release ADD CONSTRAINT pk_release PRIMARY KEY (batch_id, number)",
    ),
    "what stands in a column that a verb leaves out": (
        "ALTER TABLE review ALTER note SET DEFAULT 'x'",
        "ALTER TABLE review ALTER note DROP DEFAULT",
    ),
    "another value where a verb gives none": (
        "ALTER TABLE batch ALTER receipts_sent SET DEFAULT 2",
        "ALTER TABLE batch ALTER receipts_sent SET DEFAULT 1",
    ),
    "a column that is reckoned": (
        "ALTER TABLE release ADD other varchar GENERATED ALWAYS AS (state) STORED",
        "ALTER TABLE release DROP other",
    ),
    "a type of somebody's own": (
        "CREATE SCHEMA own; CREATE DOMAIN own.words AS varchar DEFAULT 'x';"
        " ALTER TABLE release ALTER reason TYPE own.words",
        "ALTER TABLE release ALTER reason TYPE varchar; DROP SCHEMA own CASCADE",
    ),
    "letters that are the same to the database": (
        'CREATE SCHEMA own; CREATE COLLATION own.other FROM "C";'
        " ALTER TABLE review ALTER note TYPE varchar COLLATE own.other",
        "ALTER TABLE review ALTER note TYPE varchar; DROP SCHEMA own CASCADE",
    ),
    "a guard that lets the ledger be changed": (
        "CREATE OR REPLACE FUNCTION ledger_is_only_added_to() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN RETURN NULL; END'",
        GUARD,
    ),
    "a guard of the ledger's changes alone": (
        "CREATE OR REPLACE TRIGGER ledger_is_only_added_to BEFORE UPDATE OR TRUNCATE ON ledger"
        " FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_only_added_to()",
        "CREATE OR REPLACE TRIGGER ledger_is_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger"
        " FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_only_added_to()",
    ),
    "a ledger that is lost when the server falls": (
        "ALTER TABLE ledger SET UNLOGGED",
        "ALTER TABLE ledger SET LOGGED",
    ),
    "a table behind a table": ("CREATE TABLE kept () INHERITS (release)", "DROP TABLE kept"),
}  # fmt: skip


@pytest.fixture(params=FORGERIES)
def forged(waiting: Register, database: Database, request: pytest.FixtureRequest) -> Iterator[Register]:
    forge, undo = FORGERIES[request.param]
    with database.server.connected(OWNER, "exchange") as owner:
        owner.execute(forge.encode())
        try:
            yield waiting
        finally:
            owner.execute(undo.encode())


def test_what_no_migration_made_is_found_and_nothing_is_sent(forged: Register, tmp_path: Path) -> None:
    for attempt in (forged.verify, lambda: forged.attested(BATCH, Kept(tmp_path))):
        with pytest.raises(Halt, match=r"altered past its migrations|is not what the ledger says"):
            attempt()


def test_other_plain_tables_are_the_administrators_own(waiting: Register, database: Database) -> None:
    with database.server.connected(OWNER, "exchange") as owner:
        owner.execute(b"CREATE TABLE kept AS SELECT * FROM release")
        try:
            assert waiting.verify()[0] > 0
        finally:
            owner.execute(b"DROP TABLE kept")


@pytest.fixture(params=[OWNER, "postgres"])
def extension_of(database: Database, request: pytest.FixtureRequest) -> Iterator[str]:
    """Whose it is. A database's owner may make those that the server trusts, and then anything a part of them."""
    database.statement(
        "CREATE SCHEMA own",
        "CREATE EXTENSION vector SCHEMA own",
        "CREATE FUNCTION bad() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "ALTER EXTENSION vector ADD FUNCTION bad()",
        "UPDATE pg_extension SET extowner = to_regrole(%s) WHERE extname = 'vector'",
        values=[request.param],
    )
    yield request.param
    database.statement("DROP EXTENSION vector CASCADE", "DROP SCHEMA own")


def test_an_extension_of_the_servers_administrator_is_their_own(waiting: Register, extension_of: str) -> None:
    if extension_of == OWNER:
        with pytest.raises(Halt, match="altered past its migrations: function bad"):
            waiting.verify()
    else:
        assert waiting.verify()[0] > 0
