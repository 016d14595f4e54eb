"""The command line's log: a line's words, and behind them the context of the step (``base/step_log.py``)."""

from __future__ import annotations

import logging
from contextvars import copy_context
from typing import Final

_PREFIX: Final = "structlog_"
"""What structlog puts before the names of its context variables. They are read from the context itself, because
importing structlog takes 0.2 s of processor time, which a command that runs no step need not spend.
"""


class ContextFormatter(logging.Formatter):
    """The words, then ``[batch=… partner=… step=…]`` where a step is at work."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with what structlog's context holds behind it."""
        bound = {
            variable.name.removeprefix(_PREFIX): value
            for variable, value in copy_context().items()
            if variable.name.startswith(_PREFIX) and value is not ...
        }
        context = " ".join(f"{name}={bound[name]}" for name in sorted(bound))
        return f"{super().format(record)}  [{context}]" if context else super().format(record)
