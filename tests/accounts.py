"""Tests as an account of the machine that may not do everything; most run as root, which may."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_NOBODY: Final = 65534


@contextmanager
def unprivileged() -> Iterator[None]:
    """The block is run by nobody, where the process is root's."""
    me = os.geteuid()
    os.seteuid(me or _NOBODY)
    try:
        yield
    finally:
        os.seteuid(me)
