"""What a terminal does to a command beside giving it words: Ctrl-C, and an encoding that has not all characters.

Rules
- An interruption is one, whatever a library makes of it: pydantic turns it into an error of its own, a destructor drops
  it. So it is remembered that there was one, and the error that follows is not told as a fault of the program.
- A character that the terminal's encoding lacks is written as its code point; nothing ends with an error for that.
"""

from __future__ import annotations

import io
import signal
import sys
from threading import current_thread, main_thread
from types import FrameType

_interrupted = False


def watch_interruptions() -> None:
    """Remembers Ctrl-C from now on, unless somebody else handles it or this is no main thread."""
    global _interrupted
    _interrupted = False
    ours = (signal.default_int_handler, _interrupt)
    if current_thread() is main_thread() and signal.getsignal(signal.SIGINT) in ours:
        signal.signal(signal.SIGINT, _interrupt)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    global _interrupted
    _interrupted = True
    raise KeyboardInterrupt


def was_interrupted() -> bool:
    """Whether Ctrl-C came since the command began."""
    return _interrupted


def write_every_character() -> None:
    """Standard output and error take characters that their encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")
