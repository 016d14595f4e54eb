"""A demo office without Airflow, and partners beyond count: all may ask ad hoc, all on the court's one server."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from exchange.base.files import make_folder, write_atomically
from exchange.calendar.working_days import office_day
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.play import demo_partner
from exchange.demo.world import PARTNERS, World, agreement_toml

_COURT = PARTNERS[0]
_FEW_PEOPLE = 2_000


class ManyPartners:
    """The world with so many partners, running; each has the court's keys and a folder of its own."""

    def __init__(self, folder: Path, partners: int) -> None:
        self.world = World(folder.resolve())
        self.world.build(lambda what: print(f"… {what}", flush=True), _FEW_PEOPLE)
        self.court = demo_partner(self.world, _COURT)
        self.names = [f"p{number:04}" for number in range(partners)]
        self.today = office_day(datetime.now(UTC))
        self.mark = datetime.now(UTC).strftime("%m%d%H%M%S")
        agreements = self.world.root / "office" / "agreements"
        for path in agreements.glob("p????.*"):
            path.unlink()
        for name in self.names:
            self._agree(agreements, name)

    def _agree(self, agreements: Path, name: str) -> None:
        for folder in ("to-office", "from-office"):
            make_folder(self.court.server.home / name / folder)
        text = agreement_toml(replace(_COURT, id=name), self.court.server, self.today)
        for use in ("sign", "encrypt"):
            text = text.replace(f"{name}.{use}.pem", f"{_COURT.id}.{use}.pem")
        text = text.replace("[sftp]\n", f'[sftp]\nrequests = "{name}/to-office"\nresults = "{name}/from-office"\n')
        write_atomically(agreements / f"{name}.toml", text.encode())

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

    def drop(self, partner: str, files: dict[str, bytes]) -> None:
        """Each file under its final name at once, as a client that renames puts it."""
        folder = self.court.server.home / partner / "to-office"
        for name, content in files.items():
            write_atomically(folder / name, content)

    def clear(self) -> None:
        """Nothing lies in any folder."""
        for name in self.names:
            for path in (self.court.server.home / name / "to-office").iterdir():
                path.unlink()
