"""The SFTP server for machines without OpenSSH: asyncssh, one account, shut into its folder.

Run as ``python -m exchange.demo.servers.embedded_sftp SETTINGS.json``; it serves until it is ended.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import asyncssh

from exchange.demo.servers.ports import LOOPBACK


async def serve(settings: dict[str, Any]) -> None:
    """Serves the folder ``home`` to the bearers of the public keys, for ever."""
    keys = asyncssh.import_authorized_keys("\n".join(settings["public_keys"]))

    class Gate(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            self.username = username
            return True

        def public_key_auth_supported(self) -> bool:
            return True

        def validate_public_key(self, username: str, key: Any) -> bool:
            return username == settings["username"] and keys.validate(key, username, "", "") is not None

    def shut_in(channel: Any) -> Any:
        return asyncssh.SFTPServer(channel, chroot=settings["home"].encode())

    server = await asyncssh.listen(
        LOOPBACK,
        settings["port"],
        server_factory=Gate,
        server_host_keys=[settings["host_key"]],
        sftp_factory=shut_in,
        allow_scp=False,
    )
    await server.wait_closed()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
