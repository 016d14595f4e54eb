"""A demo office without Airflow, and partners beyond count: half of them on the court's server, the others on servers
of their own kind, some of which are of no use.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Final

from benchmarks.lookout.useless import Dripping, Mute, nobody
from exchange.base.files import make_folder, write_atomically
from exchange.calendar.working_days import office_day
from exchange.demo.agreement import agreement_toml
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import demo_partner
from exchange.demo.servers.sftp import SftpServer
from exchange.demo.world import PARTNERS, World
from exchange.wire.keys import make_ssh_key

_COURT: Final = PARTNERS[0]
_FEW_PEOPLE: Final = 2_000


class ManyPartners:
    """The world with so many partners, running; each has the court's keys and a folder of its own. ``ad_hoc``: how many
    of them may ask ad hoc; ``names``: those, where their server is of use.
    """

    def __init__(self, folder: Path, partners: int, ad_hoc: int, servers: int, useless: int) -> None:
        self.world = World(folder.resolve())
        self.world.build(lambda what: print(f"… {what}", flush=True), _FEW_PEOPLE)
        self.court = demo_partner(self.world, _COURT)
        self.today = office_day(datetime.now(UTC))
        self.mark = datetime.now(UTC).strftime("%m%d%H%M%S")
        self.others = [SftpServer(self.world.root / "sftp" / f"other-{number:02}") for number in range(servers)]
        office = make_ssh_key(self.world.office_keys / "sftp")
        for server in self.others:
            server.start(office)
        agreements = self.world.root / "office" / "agreements"
        for path in agreements.glob("p????.*"):
            path.unlink()
        self.server_of: dict[str, SftpServer] = {}
        theirs = cycle(self.others or [self.court.server])
        for number in range(partners):
            server = next(theirs) if number % 2 else self.court.server
            self._agree(agreements, f"p{number:04}", server, ad_hoc=number < ad_hoc)
        self.names = [f"p{number:04}" for number in range(ad_hoc)]
        ports = cycle([nobody(), Mute().port, Mute().port, Dripping().port])
        for name, port in zip(reversed(self.names[-useless:] if useless else []), ports, strict=False):
            path = agreements / f"{name}.toml"
            told = path.read_text("utf-8").replace(f"port = {self.server_of[name].port}\n", f"port = {port}\n")
            write_atomically(path, told.encode())
        self.names = self.names[: ad_hoc - useless]

    def _agree(self, agreements: Path, name: str, server: SftpServer, *, ad_hoc: bool) -> None:
        for folder in ("to-office", "from-office"):
            make_folder(server.home / name / folder)
        cycles = ("monthly", "ad_hoc") if ad_hoc else ("monthly",)
        text = agreement_toml(replace(_COURT, id=name, cycles=cycles), server, self.today)
        for use in ("sign", "encrypt"):
            text = text.replace(f"{name}.{use}.pem", f"{_COURT.id}.{use}.pem")
        text = text.replace("[sftp]\n", f'[sftp]\nrequests = "{name}/to-office"\nresults = "{name}/from-office"\n')
        write_atomically(agreements / f"{name}.toml", text.encode())
        self.server_of[name] = server

    def prepare(self, partner: str, number: int) -> dict[str, bytes]:
        """A set of one row in this partner's name; the manifest last."""
        batch = f"{partner}.{self.mark}-{number}"
        data = "row_ref,id_number,name\n1,220102199001011234,虚构\n".encode()
        basis, items = "刑事诉讼法第二百八十六条", ["id_number", "name"]
        request = Request(batch, "ad_hoc", str(self.today), "case_handling", basis, items, 1, data)
        signer = DemoPartner(
            partner, self.court.keys, self.court.server, self.court.office_sign, self.court.office_encrypt
        )
        files = signer.make_set(request)
        return dict(sorted(files.items(), key=lambda file: file[0].endswith(".request.json")))

    def requests(self, partner: str) -> Path:
        """The partner's requests folder, on the disk of its server."""
        return self.server_of[partner].home / partner / "to-office"

    def drop(self, partner: str, files: dict[str, bytes]) -> None:
        """Each file under its final name at once, as a client that renames puts it."""
        for name, content in files.items():
            write_atomically(self.requests(partner) / name, content)

    def clear(self) -> None:
        """Nothing lies in any folder."""
        for name in self.server_of:
            for path in self.requests(name).iterdir():
                path.unlink()

    def stop(self) -> None:
        for server in self.others:
            server.stop()
        self.world.stop_servers()
