"""The world of a campaign: the demo's, with two partners, short waits, nobody held for asking again and again, and
certificates that are a month old, as most are: a clock that steps back is not behind them.
"""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import Final, Self
from unittest.mock import patch

from exchange.demo.world import PARTNERS, World

PEOPLE: Final = 3000
_POLICY: Final = """[policy]
guard_holds = false  # the same people are asked about again and again
connect_seconds = 5
transfer_seconds = 5
whole_look_seconds = 10
whole_transfer_seconds = 25
"""


class _AMonthAgo(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return super().now(tz) - timedelta(days=30)


def build(world: World, *, workers: bool = False) -> None:
    with patch("exchange.wire.keys.datetime", _AMonthAgo):
        world.build(lambda _: None, people=PEOPLE, workers=workers)
    with world.postgres.connected("postgres", "postgres") as superuser:
        superuser.execute("ALTER SYSTEM SET max_wal_size = '96MB'")  # it may lie on a small disk
    text = world.config.read_text(encoding="utf-8")
    world.config.write_text(text.replace("[policy]\n", _POLICY), encoding="utf-8")
    for profile in PARTNERS[2:]:  # each look into a folder is a log-in there
        (world.config.parent / "agreements" / f"{profile.id}.toml").unlink()
