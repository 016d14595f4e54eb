"""Partners beside the demo's own: each with a server, keys and an agreement of its own, and what the court may ask."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from exchange.base.files import make_folder, write_atomically
from exchange.calendar.working_days import office_day
from exchange.demo.agreement import agreement_toml
from exchange.demo.partner import DemoPartner
from exchange.demo.play import demo_partner
from exchange.demo.world import PARTNERS, World
from exchange.wire.keys import make_certificate, make_ssh_key


def more_partners(world: World, many: int) -> list[DemoPartner]:
    """So many partners, their servers running; made once, and found again."""
    agreements = world.root / "office" / "agreements"
    office, today = make_ssh_key(world.office_keys / "sftp"), office_day(datetime.now(UTC))
    partners = []
    for number in range(1, many + 1):
        profile = replace(PARTNERS[0], id=f"court-{number:02}")
        keys, server = make_folder(world.partner_keys(profile.id)), world.sftp(profile.id)
        server.start(office, make_ssh_key(keys / "sftp"))
        for use in ("sign", "encrypt"):
            make_certificate(keys, use, f"{profile.id} (demo), {use}")
            write_atomically(agreements / f"{profile.id}.{use}.pem", (keys / f"{use}.pem").read_bytes())
        write_atomically(agreements / f"{profile.id}.toml", agreement_toml(profile, server, today).encode())
        partners.append(demo_partner(world, profile))
    return partners


def stop_servers(world: World, many: int) -> None:
    for number in range(1, many + 1):
        world.sftp(f"court-{number:02}").stop()
