"""The other organ's side: a witness that cosigns checkpoints of a register, and never one that was rolled back.

    <folder>/witness.key    its private key (Ed25519, 0600)
    <folder>/witness.vkey   its name and public key, for the office's settings
    <folder>/register.pem   the office's public keys, as the office handed them over
    <folder>/last           the checkpoint that it signed last

Rules
- It signs a checkpoint that the office signed and that is shown to have grown out of the one it signed last; the same
  one again, too. Anything else it refuses, whoever asks.
- The checkpoint is stored and synced before the cosignature is handed out: a witness that is killed in between has
  stored one that it did not hand out, never the reverse.
- What it signed is forgotten only when a person there says so (``begin_anew``), and stays under another name.
- It runs without an office's settings or database.
"""

from __future__ import annotations

import base64
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from exchange.base.errors import Halt
from exchange.base.files import locked, make_folder, sync_folder, write_atomically
from exchange.register.cosigning import CosignRequest, WitnessKey, cosignature
from exchange.register.merkle import grew
from exchange.register.signing import Checkpoint, LedgerKey, parse_note
from exchange.settings import read_secret
from exchange.wire.keys import made_or_kept

_KEY: Final = "witness.key"
_VKEY: Final = "witness.vkey"
_OFFICE: Final = "register.pem"
_LAST: Final = "last"


def make_witness(folder: Path, name: str) -> str:
    """Makes a witness's key, unless there is one; returns the public key as the office's settings take it. ValueError
    for a name that is none, Halt where the private key is none.
    """
    public = folder / _VKEY
    if not public.exists():
        with locked(make_folder(folder)):
            if not public.exists():
                WitnessKey.parse(WitnessKey(name, Ed25519PrivateKey.generate().public_key()).written)  # ValueError
                key = made_or_kept(folder / _KEY, Ed25519PrivateKey.generate)
                write_atomically(public, f"{WitnessKey(name, key.public_key()).written}\n".encode())
    return public.read_text("utf-8").strip()


def cosign(folder: Path, request: str, at: datetime) -> str:
    """The checkpoint with this witness's cosignature under it; Halt where it must not be signed."""
    name, key = _own(folder)
    asked, checkpoint = _read_request(folder, request)
    with locked(folder):
        last = _last(folder)
        _check(last, asked, checkpoint)
        if checkpoint != last:
            write_atomically(folder / _LAST, asked.note.encode())
    return asked.note + cosignature(name, key, checkpoint, at)


def begin_anew(folder: Path) -> int:
    """Forgets what was signed, so that a ledger that an office had to go back with can be signed again; a person has
    asked the office why. How many lines the ledger had that is set aside, 0 where there was none. Halt where no witness
    lives.
    """
    _own(folder)
    with locked(folder):
        last = _last(folder)
        if last is None:
            return 0
        path = folder / _LAST
        path.rename(path.with_name(f"{_LAST}.parted-{last.size}-{path.stat().st_mtime_ns}"))
        sync_folder(folder)
        return last.size


def _check(last: Checkpoint | None, asked: CosignRequest, checkpoint: Checkpoint) -> None:
    if checkpoint == last:
        return
    size = last.size if last else 0
    if asked.old != size:
        msg = (
            f"not signed: the request goes on from {asked.old} lines, this witness signed {size} last; the office asks "
            f"with `exchange register checkpoint --since {size}`"
        )
        raise Halt(
            msg, zh=f"未联署：来件从 {asked.old} 行续起，本机关上次联署的是 {size} 行；请对方用 --since {size} 重新提出"
        )
    if last is None:
        if checkpoint.size > 0 and not asked.proof:
            return
    elif grew(size, base64.b64decode(last.root), checkpoint.size, base64.b64decode(checkpoint.root), asked.proof):
        return
    msg = (
        f"not signed: nothing shows that the register of {checkpoint.size} lines grew out of the one of {size} lines "
        "that this witness signed; it was rolled back or rewritten, or the file is damaged. Ask the office"
    )
    raise Halt(
        msg,
        zh=f"未联署：{checkpoint.size} 行的登记簿无从证明由本机关上次联署的 {size} 行续写而来："
        "被回退或改写，或文件损坏，请询问办理机关",
    )


def _read_request(folder: Path, text: str) -> tuple[CosignRequest, Checkpoint]:
    try:
        asked = CosignRequest.parse(text)
        checkpoint, signatures = parse_note(asked.note)
        base64.b64decode(checkpoint.root, validate=True)
    except ValueError:
        msg = "this is no request of a register for a cosignature"
        raise Halt(msg, zh="这不是登记簿的联署请求") from None
    office = LedgerKey(folder / _OFFICE, folder / _OFFICE)  # nothing is signed in the office's name
    if not any(office.is_signed(checkpoint, signature) for signature in signatures):
        msg = f"not signed: the checkpoint bears no signature of the office's, whose keys are in {folder / _OFFICE}"
        raise Halt(msg, zh=f"未联署：检查点没有办理机关的签名，其公钥在 {folder / _OFFICE}")
    return asked, checkpoint


def _own(folder: Path) -> tuple[str, Ed25519PrivateKey]:
    key = load_pem_private_key(read_secret(folder / _KEY), password=None)
    name = WitnessKey.parse((folder / _VKEY).read_text("utf-8")).name
    if not isinstance(key, Ed25519PrivateKey):
        msg = f"{folder / _KEY} is no Ed25519 key"
        raise Halt(msg, zh=f"{folder / _KEY} 不是 Ed25519 私钥，请从备份恢复")
    return name, key


def _last(folder: Path) -> Checkpoint | None:
    """What was signed last; Halt where it cannot be read, for nothing is signed by a witness that has forgotten."""
    path = folder / _LAST
    if not path.exists():
        return None
    try:
        return parse_note(path.read_text("utf-8"))[0]
    except (OSError, ValueError):
        msg = f"{path} cannot be read; without it nothing is signed. Restore it"
        raise Halt(msg, zh=f"{path} 读不出；没有它不联署，请从备份恢复") from None
