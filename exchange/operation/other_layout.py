"""Open batches that an update leaves behind: the snapshots that answer them are of a layout that it does not read.

Rule: a batch is answered from the versions that it pinned, and only the newest export is built again by itself. So an
update that raises ``LAYOUT`` (``exchange/snapshots/versions.py``) is begun when no batch is open, or in the knowledge
that those that are need a new request; ``office init`` asks before it changes anything, ``exchange health`` tells it.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Engine

from exchange.base.errors import Halt
from exchange.register.snapshot_uses import of_open
from exchange.settings import Settings
from exchange.snapshots.versions import Snapshots


def left_behind(engine: Engine, snapshots: Iterable[Snapshots]) -> list[str]:
    """The ids of open batches that pinned a version which is there and has another layout, in order. ``snapshots``: of
    the sources, and of the invented province. Errors as the register's.
    """
    folders = list(snapshots)
    pins = of_open(engine)
    others = {pin for pin in set().union(*pins.values()) if any(each.is_of_another_layout(*pin) for each in folders)}
    return sorted(batch_id for batch_id, pinned in pins.items() if pinned & others)


def check_none_left_behind(engine: Engine, settings: Settings) -> None:
    """Halt where this version leaves open batches behind; the register's tables are those of some version."""
    folders = Snapshots(settings.snapshots), Snapshots(settings.invented, invented=True)
    if batches := left_behind(engine, folders):
        msg = (
            f"{len(batches)} open batches are answered from snapshots that this version does not read, "
            f"first {batches[0]}: let them end by the former version, or give --leave-open, and they need a new request"
        )
        zh = (
            f"{len(batches)} 个未办结批次所用的快照本版本读不了（如 {batches[0]}）：请先用原版本办结；"
            "或加 --leave-open，这些批次须请部门换批次号重新请求"
        )
        raise Halt(msg, zh=zh)
