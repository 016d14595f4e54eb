"""A demo partner: makes request sets, fetches answers, and opens them, with ``openssl`` and SFTP as the partner guide
says.

Rule: nothing of the office's own code decides here whether an answer is good: signatures and envelopes are checked
and opened by the ``openssl`` program, hashes by the receiving side itself.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from exchange.base.errors import Halt
from exchange.base.files import make_folder, write_atomically
from exchange.demo.servers.sftp import FROM_OFFICE, TO_OFFICE, SftpServer
from exchange.wire.connection import SftpAccount
from exchange.wire.transport import connect


def openssl(*arguments: str) -> None:
    """Runs ``openssl``; Halt when it does not agree."""
    done = subprocess.run(["openssl", *arguments], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode != 0:
        msg = f"openssl {arguments[0]} {arguments[1]} ended with {done.returncode}"
        raise Halt(msg)


@dataclass(frozen=True)
class Request:
    """What a partner asks; ``data`` is the CSV or XLSX file (``form``) as its program saved it."""

    batch: str
    cycle: str
    period: str
    purpose: str
    legal_basis: str
    items: Sequence[str]
    rows: int
    data: bytes
    encrypted: bool = True
    letter: str | None = "介字〔虚构〕1号"
    objects_to: str | None = None
    form: str = "csv"
    sheet: str | None = None


@dataclass(frozen=True)
class Result:
    """An opened result: its manifest, and the plain CSV or XLSX file."""

    manifest: dict[str, Any]
    data: bytes


@dataclass(frozen=True)
class DemoPartner:
    """A partner with its keys (``sign``, ``encrypt``, ``sftp``), its server, and the office's two certificates."""

    id: str
    keys: Path
    server: SftpServer
    office_sign: Path
    office_encrypt: Path

    @property
    def _account(self) -> SftpAccount:
        """The partner's view: it puts where the office fetches, and fetches where the office puts."""
        server = self.server
        return SftpAccount("127.0.0.1", server.port, server.username, server.host_key, FROM_OFFICE, TO_OFFICE)

    def make_set(self, request: Request) -> dict[str, bytes]:
        """The set's files by name: data, manifest, signature."""
        desk = make_folder(self.keys / "desk" / request.batch)
        name = f"{request.batch}.{request.form}" + (".p7m" if request.encrypted else "")
        data = request.data
        if request.encrypted:
            plain = desk / "plain"
            write_atomically(plain, data)
            form = ["-binary", "-aes-256-cbc", "-outform", "DER"]
            openssl("cms", "-encrypt", *form, "-in", str(plain), "-out", str(desk / name), str(self.office_encrypt))
            data = (desk / name).read_bytes()
            plain.unlink()
        manifest = {
            "format": "exchange-request/1",
            "partner": self.id,
            "batch": request.batch,
            "cycle": request.cycle,
            "period": request.period,
            "purpose": request.purpose,
            "legal_basis": request.legal_basis,
            "letter": request.letter,
            "handler": "经办人（虚构）",
            "items": list(request.items),
            "rows": request.rows,
            "data": {
                "name": name,
                "size": len(data),
                "sha256": sha256(data).hexdigest(),
                "encrypted": request.encrypted,
            }
            | ({"sheet": request.sheet} if request.sheet else {}),
        }
        if request.objects_to is not None:
            manifest["objects_to"] = request.objects_to
        content = json.dumps(manifest, ensure_ascii=False, indent=2).encode()
        return {name: data} | self.signed(request.batch, content)

    def signed(self, batch: str, content: bytes) -> dict[str, bytes]:
        """A manifest and its detached signature, by name."""
        desk = make_folder(self.keys / "desk" / batch)
        manifest, signature = desk / f"{batch}.request.json", desk / f"{batch}.request.json.p7s"
        write_atomically(manifest, content)
        signer = ["-signer", str(self.keys / "sign.pem"), "-inkey", str(self.keys / "sign.key")]
        form = ["-binary", "-outform", "DER"]
        openssl("cms", "-sign", *form, "-in", str(manifest), *signer, "-out", str(signature))
        return {manifest.name: content, signature.name: signature.read_bytes()}

    def drop(self, files: dict[str, bytes]) -> None:
        """Puts files into the folder to the office, each under its final name at once, in the order given."""
        desk = make_folder(self.keys / "desk")
        with connect(self._account, self.keys / "sftp") as folder:
            for name, content in files.items():
                write_atomically(desk / "out", content)
                folder.deliver(name, desk / "out")

    def answers(self) -> list[str]:
        """The names of what lies in the folder from the office."""
        with connect(self._account, self.keys / "sftp") as folder:
            return [file.name for file in folder.list_requests()]

    def fetch(self, name: str) -> Path:
        """Fetches a file from the office; where it lies now."""
        (local,) = self._fetch_all(name)
        return local

    def _fetch_all(self, *names: str) -> list[Path]:
        """Fetches several files from the office, with one log-in; where they lie now."""
        desk = make_folder(self.keys / "desk")
        with connect(self._account, self.keys / "sftp") as folder:
            sizes = {file.name: file.size for file in folder.list_requests()}
            for name in names:
                folder.fetch(name, desk / name, limit=sizes[name], expected_size=sizes[name])
        return [desk / name for name in names]

    def verified(self, name: str) -> dict[str, Any]:
        """A signed JSON file from the office, its signature checked against the office's certificate."""
        content, signature = self._fetch_all(name, f"{name}.p7s")
        pinned = ["-nointern", "-noverify", "-certfile", str(self.office_sign)]
        detached = ["-in", str(signature), "-content", str(content), "-out", "/dev/null"]
        openssl("cms", "-verify", "-binary", "-inform", "DER", *pinned, *detached)
        document: dict[str, Any] = json.loads(content.read_bytes())
        return document

    def result(self, batch: str, number: int = 1) -> Result:
        """The result of a batch, the first or a supplementary one (from 2): signature, then hash, then opened, then
        hash and rows again; Halt at the first that fails.
        """
        manifest = self.verified(f"{batch}.result.json" if number == 1 else f"{batch}.result-{number}.json")
        envelope = self.fetch(manifest["encrypted"]["name"])
        if sha256(envelope.read_bytes()).hexdigest() != manifest["encrypted"]["sha256"]:
            msg = "the result is not the one that the office signed for"
            raise Halt(msg)
        plain = envelope.with_suffix("")
        keys = ["-recip", str(self.keys / "encrypt.pem"), "-inkey", str(self.keys / "encrypt.key")]
        openssl("cms", "-decrypt", "-binary", "-inform", "DER", "-in", str(envelope), *keys, "-out", str(plain))
        data = plain.read_bytes()
        if sha256(data).hexdigest() != manifest["plain"]["sha256"]:
            msg = "the opened result is not the one that the office signed for"
            raise Halt(msg)
        return Result(manifest, data)
