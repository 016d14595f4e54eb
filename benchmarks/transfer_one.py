"""One transfer by this software: ``python -m benchmarks.transfer_one in|out|out-and-back PORT USER HOST_KEY FOLDER``;
tells its seconds from connecting on. It has imported what a worker has: in a smaller process the allocator gives each
buffer back to the system and takes it anew, 185,000 page faults for 256 MiB and twice the processor time.
"""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from pathlib import Path

import great_expectations  # noqa: F401  (docker/airflow_local_settings.py)

import exchange.pipeline  # noqa: F401
from exchange.demo.servers.sftp import FROM_OFFICE, TO_OFFICE
from exchange.wire.connection import SftpAccount
from exchange.wire.transfer import put, replace, request_size
from exchange.wire.transport import TEMPORARY, Folder, connect


def _sent(partner: Folder, source: Path) -> None:
    """As ``Folder.deliver``, but that nothing is read back."""
    final, temporary = (f"{partner.account.results}/{before}{source.name}" for before in ("", TEMPORARY))
    with source.open("rb") as local:
        put(partner.sftp, iter(partial(local.read, request_size(partner.sftp)), b""), temporary)
    replace(partner.sftp, temporary, final)


def main(way: str, port: str, username: str, host_key: str, folder: str) -> None:
    here = Path(folder)
    place = SftpAccount("127.0.0.1", int(port), username, host_key, TO_OFFICE, FROM_OFFICE)
    began = time.perf_counter()
    with connect(place, here / "client") as partner:
        if way == "in":
            size = (here / "file").stat().st_size
            partner.fetch("file", here / "fetched-by-us", limit=size, expected_size=size)
        elif way == "out":
            _sent(partner, here / "file")
        else:
            partner.deliver("file", here / "file")
    print(json.dumps({"seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main(*sys.argv[1:])
