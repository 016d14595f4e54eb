"""Harm to what decides the answers beside the register: settings, agreements, certificates, keys' public halves."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Final

from exchange.app import App
from exchange.cli.outcome import HALTED, TRY_AGAIN
from exchange.register import State
from tests.campaign.office import Office

ENDS: Final = (0, 1, HALTED, TRY_AGAIN)
_RECEIPT: Final = ("receipt.json", "receipt.json.p7s")
_LOOKED_AT: Final = (".toml", ".pem")


def configuration_harmed(office: Office) -> tuple[str, list[str]]:
    """A byte flipped or the end cut off of one of these files, before or somewhere on a batch's way.

    What the file says afterwards may be readable, and another thing: then a set may be refused, and the receipt says
    so. No answer is wrong, and where the office opens at all, the ledger is told that the file is another one.
    """
    batch = office.drop()
    if office.chance.random() < 0.5:
        office.run(batch, office.chance.choice(range(500, 5000, 500)))
    place = office.chance.choice(_files(office))
    sound, mode = place.read_bytes(), place.stat().st_mode
    at, bit = office.chance.randrange(len(sound)), 1 << office.chance.randrange(8)
    cut = office.chance.random() < 0.2
    place.chmod(0o600)
    place.write_bytes(sound[:at] if cut else sound[:at] + bytes([sound[at] ^ bit]) + sound[at + 1 :])
    try:
        code, said = office.run(batch)
        wrong = [] if code in ENDS else [f"ended with {code}: {said}"]
        watched, _ = office.run("", duty="configured")
        how = (
            f"{place.name} {'cut' if cut else 'flipped'} at {at}: ended {code}, {'told' if watched == 0 else 'closed'}"
        )
        if (
            watched == 0
            and place != office.world.config
            and not _is_told(office, sha256(place.read_bytes()).hexdigest())
        ):
            wrong.append(f"{place.name}: the ledger was not told")
    finally:
        place.write_bytes(sound)
        place.chmod(mode)
    wrong += office.finish(batch)
    office.run("", duty="configured")
    return how, wrong + (_refused(office, batch) if _is_refused(office, batch) else office.check(batch))


def _files(office: Office) -> list[Path]:
    with App.open("campaign", office.world.config) as app:
        settings = app.settings
    agreed = [path for path in settings.agreements.rglob(f"*{office.court.id}*") if path.suffix in _LOOKED_AT]
    keys = settings.keys
    return [office.world.config, *sorted(agreed), keys.signing_certificate, keys.decryption_certificate]


def _is_told(office: Office, digest: str) -> bool:
    with App.open("campaign", office.world.config) as app:
        return digest in {each.sha256 for each in app.register.configuration.known()}


def _is_refused(office: Office, batch: str) -> bool:
    with App.open("campaign", office.world.config) as app:
        return app.register.batch(batch).state is State.REFUSED


def _refused(office: Office, batch: str) -> list[str]:
    """With the partner lies the receipt that says so, and nothing else."""
    names = [name for name in office.sent() if batch in name]
    wrong = [] if names == [f"{batch}.{each}" for each in _RECEIPT] else [f"{batch}: with the partner lie {names}"]
    return [*wrong, *filter(None, [office.verified()])]
