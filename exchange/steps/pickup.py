"""Pick-up (取走): the partner has a result when its data file is gone from the results folder, or when it says so.

Rules
- A partner that may not remove files puts an empty ``<batch>.result.ack`` (``result-2.ack``…) into the requests folder;
  nothing but the register's line depends on it, so it needs no signature. It is removed once it is registered; where
  the server does not allow that, that is a trouble, and the other results are looked at.
- An acknowledgement that lay there before its result did is none: it is removed before the result is put.
- An acknowledgement goes from the folder once the register's line about it is kept beside the archive: where that
  commit is lost, nothing else would say that the partner has the result.
- *Gone* means taken only where the result was seen in the folder before: what a server lost is not taken. That is a
  trouble, and somebody delivers it again (``exchange batch redeliver``).
- What was taken is registered once and not sent again, unless somebody does so.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection
from typing import Final

from exchange.app import App
from exchange.register import PickupEvidence, UncollectedResult
from exchange.wire.connection import Denied
from exchange.wire.transport import Folder

log = logging.getLogger(__name__)
LOST: Final = "does not lie in the folder and was never seen there; deliver it again: exchange batch redeliver"
ACKNOWLEDGEMENT_SUFFIX: Final = ".ack"
_ACKNOWLEDGEMENT: Final = re.compile(r"(?P<batch>.+)\.result(-(?P<number>[2-9]|[1-9][0-9]{1,4}))?\.ack")


def notice_pickups(app: App, partner: str, folder: Folder, listed: Collection[str]) -> list[str]:
    """Registers which results the partner has taken; what went wrong, a sentence each. ``listed``: the names in its
    requests folder. Errors as the folder's.
    """
    pickups = app.register.pickups
    acknowledged = {name: ack for name in listed if (ack := _acknowledged(name)) is not None}
    uncollected, troubles = pickups.uncollected(partner), list[str]()
    for result in uncollected:
        if (result.batch, result.number) in acknowledged.values():
            _taken(app, result, PickupEvidence.ACKNOWLEDGED)
    ours = {name: ack for name, ack in acknowledged.items() if ack[0].startswith(f"{partner}.")}
    had = pickups.had({batch for batch, _ in ours.values()})
    if had:
        app.keep_checkpoint()
    for name, ack in ours.items():
        folder.check_time()
        if ack in had:
            try:
                folder.remove(name)
            except Denied as denied:
                troubles.append(f"{partner}: {name}: {denied}")
    # Last, because this folder may be in trouble of its own: what the partner says is heard before.
    uncollected = [result for result in uncollected if (result.batch, result.number) not in acknowledged.values()]
    gone = folder.gone([result.data for result in uncollected]) if uncollected else set()
    for result in uncollected:
        folder.check_time()
        if result.data not in gone:
            if not result.seen:
                pickups.seen(result.batch, result.number, app.now())
        elif result.seen:
            _taken(app, result, PickupEvidence.REMOVED)
        else:
            troubles.append(f"{partner}: result {result.number} of {result.batch} {LOST} {result.batch}")
    return troubles


def remove_early(folder: Folder, batch_id: str, number: int) -> None:
    """Removes an acknowledgement that lies there before its result is put for the first time: it would count as soon as
    the result is. Where the server does not allow that, it is only logged: the result must not wait for it.
    """
    name = f"{batch_id}.result{'' if number == 1 else f'-{number}'}{ACKNOWLEDGEMENT_SUFFIX}"
    try:
        folder.remove(name)
    except Denied as denied:
        log.warning("%s: %s", name, denied)


def acknowledges_nothing(app: App, partner: str, listed: Collection[str]) -> list[str]:
    """Those acknowledgements among these names that name no result of this partner; without those of batches whose
    result is still to come.
    """
    acknowledged = {name: _acknowledged(name) for name in listed if name.endswith(ACKNOWLEDGEMENT_SUFFIX)}
    batches = {ack[0] for ack in acknowledged.values() if ack is not None and ack[0].startswith(f"{partner}.")}
    pickups = app.register.pickups
    known = pickups.had(batches) | {
        (result.batch, result.number) for result in (pickups.uncollected(partner) if batches else [])
    }
    awaited = pickups.awaited(batches)
    return [name for name, ack in acknowledged.items() if ack not in known and (ack is None or ack[0] not in awaited)]


def _taken(app: App, result: UncollectedResult, how: PickupEvidence) -> None:
    app.register.pickups.taken(result.batch, result.number, how, app.now())
    log.info("%s: the partner has result %d (%s)", result.batch, result.number, how)


def _acknowledged(name: str) -> tuple[str, int] | None:
    """The batch, and the number of its result, that a file of this name acknowledges."""
    match = _ACKNOWLEDGEMENT.fullmatch(name)
    return (match["batch"], int(match["number"] or 1)) if match else None
