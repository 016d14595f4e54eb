"""A plugin of ``make coverage`` and its like: what Polars calls in threads of its own is seen there, too.

Whoever traces is told of threads that Python starts. Polars starts its own, and most of ``exchange/matching`` runs in
them (``map_batches``): of ``division_meanings.py`` 18 branches of 38 seemed to be taken without this, with it 37.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

import polars as pl

_plain = pl.Expr.map_batches


def _seen(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def traced(*given: Any, **named: Any) -> Any:
        trace = threading.gettrace()
        if trace is None or sys.gettrace() is not None:
            return function(*given, **named)
        sys.settrace(trace)
        try:
            return function(*given, **named)
        finally:
            sys.settrace(None)

    return traced


def _map_batches(expression: pl.Expr, function: Callable[..., Any], *given: Any, **named: Any) -> pl.Expr:
    return _plain(expression, _seen(function), *given, **named)


pl.Expr.map_batches = _map_batches  # type: ignore[assignment,method-assign]
