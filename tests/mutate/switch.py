"""What changed code is called through: it is noted who was called, and the change that is switched on is taken.

mutmut writes every change of a function beside it; which one is called is decided at each call, so that one process
tries one change after another.

``cache`` takes the place of :func:`functools.cache`: what it keeps is forgotten when a function that it came of is
changed, and who asks for what is kept has called those functions, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any, Final

MutantDict = dict[str, Callable[..., Any]]
ORIGINAL: Final = "_mutmut_orig"


class Now:
    """``called``: functions, as ``<module>.<name>``, since somebody began to look; ``module`` and ``change``: what is
    switched on.
    """

    called: list[str]
    module: str
    change: str

    def __init__(self) -> None:
        self.called, self.module, self.change = [], "", ""

    def switch(self, module: str, change: str) -> None:
        self.module, self.change = module, change


NOW: Final = Now()
_KEPT: Final[list[dict[Any, tuple[Any, frozenset[str]]]]] = []


def through(changes: MutantDict, is_classmethod: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The decorator that mutmut's code asks for."""

    def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
        module = function.__module__
        name = f"{module}.{function.__qualname__}"

        @wraps(function)
        def call(*given: Any, **named: Any) -> Any:
            NOW.called.append(name)
            chosen = changes[NOW.change if NOW.module == module and NOW.change in changes else ORIGINAL]
            if is_classmethod:
                return getattr(given[0], chosen.__name__)(*given[1:], **named)
            return chosen(*given, **named)

        return call

    return decorated


def cache(function: Callable[..., Any]) -> Callable[..., Any]:
    """As :func:`functools.cache`."""
    kept: dict[Any, tuple[Any, frozenset[str]]] = {}
    _KEPT.append(kept)

    @wraps(function)
    def call(*given: Any, **named: Any) -> Any:
        key = (given, tuple(sorted(named.items())))
        if key not in kept:
            begun = len(NOW.called)
            value = function(*given, **named)
            kept[key] = (value, frozenset(NOW.called[begun:]))
        value, called = kept[key]
        NOW.called.extend(called)
        return value

    call.cache_clear = kept.clear  # type: ignore[attr-defined]
    return call


def forget(function: str, modules: Sequence[str] = ()) -> None:
    """What was kept and came of this function, or of a change of it, or of any function of these modules."""
    begins = tuple(f"{each}." for each in modules)
    for kept in _KEPT:
        for key in [key for key, (_, called) in kept.items() if _is_of(called, function, begins)]:
            del kept[key]


def _is_of(called: Iterable[str], function: str, begins: tuple[str, ...]) -> bool:
    return any(each == function or each.startswith(begins) for each in called)
