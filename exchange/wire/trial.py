"""A try-out of a partner's two folders, before anything is answered there."""

from __future__ import annotations

from contextlib import suppress
from secrets import token_hex
from typing import Final

from exchange.base.errors import Halt
from exchange.base.files import sha256
from exchange.wire.connection import CONVERSATION_FAILED
from exchange.wire.transfer import check, put, replace
from exchange.wire.transport import TEMPORARY, Folder

_DOING: Final = {"write": "写入", "rename": "改名", "remove": "删除"}


def try_out(partner: Folder) -> bool:
    """Writes, renames over what is there and removes in both folders; whether the server replaces in one go. Halt
    with the folder and what it did not allow.
    """
    sftp, account, in_one_go = partner.sftp, partner.account, True
    for folder in (account.requests, account.results):
        first, second = (f"{folder}/{TEMPORARY}{name}-{token_hex(4)}" for name in ("try", "tried"))
        doing = "write"
        try:
            for _ in range(2):
                size = put(sftp, [b"try"], first)
                doing = "rename"
                in_one_go &= replace(sftp, first, second)
                check(sftp, second, size, sha256(b"try"))
                doing = "write"
            doing = "remove"
            sftp.remove(second)
        except CONVERSATION_FAILED as error:
            where = f"{account.server}: {folder}"
            msg = f"{where}: {doing} fails ({type(error).__name__})"
            raise Halt(msg, zh=f"{where}：{_DOING[doing]}不成，请对方核对目录和权限") from None
        finally:
            for path in (first, second):
                with suppress(*CONVERSATION_FAILED):
                    sftp.remove(path)
    return in_one_go
