"""``exchange keys``: the office's keys and certificates."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives import hashes

from exchange.base.keyed import read_keys
from exchange.calendar.working_days import office_day
from exchange.cli.listing import folded
from exchange.cli.outcome import FOUND, err, out, outcome
from exchange.settings import Settings, read_secret
from exchange.wire.envelope import load_certificate, load_key_pair
from exchange.wire.keys import make_office_keys, make_ssh_key

commands = typer.Typer(add_completion=False, no_args_is_help=True)
_USES = {"signing": "签名 signing", "encryption": "加密 encryption"}


@commands.command()
def make(
    folder: Annotated[Path, typer.Argument(help="密钥存放处 where the keys are to lie")],
    office: Annotated[str, typer.Option(help="本机关名称，写入证书 the office's name, for the certificates")],
) -> None:
    """生成本机关的密钥；已有的不动。 Make the office's keys; none is replaced."""
    with outcome():
        made = make_office_keys(folder, office, office_day(datetime.now(UTC)))
        out.print(
            f"密钥在 keys in {folder}；将 sign.pem、encrypt.pem、sftp.pub（下列 SSH 公钥）交各部门"
            " give the partners sign.pem, encrypt.pem and sftp.pub, this SSH key:",
            markup=False,
        )
        out.print(make_ssh_key(folder / "sftp"), markup=False, soft_wrap=True)
        if made:
            out.print(
                "told.keys 为新的散列密钥，只用于空的登记簿，请备份"
                " new hash keys in told.keys, for a register that holds nothing yet; keep a backup",
                markup=False,
            )


@commands.command()
def show() -> None:
    """在用证书、指纹（供电话核对）和有效期。 Certificates in use, fingerprints to compare, last days."""
    with outcome():
        keys = Settings.load().keys
        load_key_pair(keys.signing_key, keys.signing_certificate)
        load_key_pair(keys.decryption_key, keys.decryption_certificate)
        heads = {"use": "证书 certificate", "until": "有效至 valid until", "fingerprint": "指纹 SHA-256 fingerprint"}
        table = folded(heads, whole="fingerprint")
        expired = False
        for name, path in (("signing", keys.signing_certificate), ("encryption", keys.decryption_certificate)):
            certificate = load_certificate(path)
            expired |= certificate.not_valid_after_utc < datetime.now(UTC)
            fingerprint = certificate.fingerprint(hashes.SHA256()).hex(":").upper()  # as openssl prints it
            halves = f"{fingerprint[:48]}\n{fingerprint[48:]}"  # whole bytes in a line, to be read out
            table.add_row(_USES[name], f"{certificate.not_valid_after_utc:%Y-%m-%d}", halves)
        out.print(table)
        ring = read_keys(read_secret(keys.told_keys), keys.told_keys)
        out.print(f"散列密钥 hash keys: 代次 generation {ring.generation}, {ring.fingerprint()}", markup=False)
        if expired:
            err.print("有证书已过期 a certificate has expired")
            raise typer.Exit(FOUND)
