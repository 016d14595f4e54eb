"""What a round may not leave behind: something temporary, something that no retry ends, somebody who still holds on.

Rule: what a nightly run takes away, or the next run of the same thing, may lie there until then; nothing else may.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import psycopg

from exchange.demo.partner import DemoPartner
from exchange.demo.servers.postgres import WORK
from exchange.demo.servers.processes import wait_for
from exchange.settings import Settings

OURS: Final = "campaign-"
"""In the name of each batch of the campaign."""

_OF_PYTHON: Final = "pymp-*"
"""Empty folders of Airflow's own processes, for as long as they live, or for ever where they are killed."""

_SECONDS: Final = 10
_STUCK: Final = f"""
    SELECT 'batch ' || id || ' is ' || state FROM batch
     WHERE id LIKE '%{OURS}%' AND state IN ('claimed', 'accepted', 'sealed')
    UNION ALL
    SELECT 'release ' || batch_id || '/' || number || ' is ' || state FROM release
     WHERE batch_id LIKE '%{OURS}%' AND state = 'approved'
"""  # noqa: S608
_HOLDING: Final = (
    "SELECT 'a session of ' || usename || ' is ' || state FROM pg_stat_activity"
    " WHERE usename = %s AND state LIKE 'idle in transaction%%'"
)

Connection = psycopg.Connection[tuple[Any, ...]]


def stuck(database: Connection) -> list[str]:
    """What stands in a state that only another run ends, though all runs have been; who still holds a transaction."""

    def holding() -> list[str]:
        return [words for (words,) in database.execute(_HOLDING, [WORK]).fetchall()]

    wait_for(lambda: not holding(), _SECONDS)  # the server notices who was killed when it looks
    return [words for (words,) in database.execute(_STUCK.encode()).fetchall()] + holding()


def temporary(config: Path, partner: DemoPartner, places: list[Path]) -> set[Path]:
    """What is temporary where retention does not take it away at night (``.writing-*`` in the office's home, what was
    fetched or is to be sent), or lies with the partner though it was fetched.
    """
    settings = Settings.load(config)
    results = partner.server.home / "from-office"
    left = [*settings.agreements.rglob(".writing-*"), *settings.exports.rglob(".writing-*"), *results.glob(".*")]
    waiting = [path for path in (partner.server.home / "to-office").iterdir() if OURS in path.name]
    return {
        *left,
        *waiting,
        *settings.home.rglob(".building-*"),
        *[path for place in places if place.exists() for path in place.iterdir() if not path.match(_OF_PYTHON)],
    }
