"""The one door behind which a partner's bytes are read.

Rules
- Whatever goes wrong in there, foreseen or not, is said of the file: Refused, so that the set gets a receipt and its
  clock ends. No list of exceptions is kept, because the libraries behind it (zipfile, zlib, expat, codecs, csv,
  pyarrow, Polars) promise none.
- What the exchange raises on purpose goes through as it is, and nothing else stands inside the door: archive, keys and
  register are the office's, and their faults are never the partner's. Nor is it the file's fault that this machine has
  no memory left: it is read again later.
- The log gets the error's kind and place, for the office's own fault would end here, too; never its message, which may
  quote a value.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from exchange.base.errors import ExchangeError, Refused, machine_in_the_way

log = logging.getLogger(__name__)


@contextmanager
def foreign_bytes(code: str) -> Iterator[None]:
    """Turns every error inside into Refused with this code of ``schemas/refusals.toml``; Retryable where this machine
    is in the way.
    """
    try:
        yield
    except ExchangeError:
        raise
    except (Exception, pl.exceptions.PanicException) as error:  # a panic of Polars is no Exception
        if (lack := machine_in_the_way(error)) is not None:
            raise lack from None
        frame = traceback.extract_tb(error.__traceback__)[-1]
        line = f"{Path(frame.filename).name}:{frame.lineno}"
        log.error("a partner's file made %s at %s; it is refused as %s", type(error).__name__, line, code)
        raise Refused(code) from None
