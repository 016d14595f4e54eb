"""What it means that a step has stopped, and what is to be done, in Chinese and English: ``schemas/troubles.toml``.

Rules
- The modules that an error went through decide, and its kind, never its text: of those that the table names, the
  innermost.
- It is for whoever reads: nothing is decided by it, and it holds no more than the table and the error's own sentence.
"""

from __future__ import annotations

import tomllib
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

from exchange.base.errors import Retryable
from exchange.base.paths import SCHEMAS

_PACKAGE: Final = Path(__file__).parent.parent
_LAST: Final = "step"
"""The entry for an error that went through no module of the table."""


@dataclass(frozen=True)
class Explanation:
    """``modules``: of the package, or folders of them; ``only``: for one kind of error."""

    code: str
    modules: Sequence[str]
    zh: str
    en: str
    todo_zh: str
    todo_en: str
    only: Literal["Halt", "Retryable"] | None = None

    def closest(self, module: str, kind: str) -> str:
        """The longest of its modules that this one is or lies in; empty where none is for this kind of error."""
        if self.only not in (None, kind):
            return ""
        return max((prefix for prefix in self.modules if f"{module}/".startswith(f"{prefix}/")), key=len, default="")


@cache
def explanations() -> dict[str, Explanation]:
    """Code → explanation, of ``schemas/troubles.toml``."""
    entries = tomllib.loads((SCHEMAS / "troubles.toml").read_text(encoding="utf-8"))["trouble"]
    return {entry["code"]: Explanation(**entry) for entry in entries}


def explained(error: BaseException) -> Explanation:
    """What this error means, by the way that it took."""
    kind = "Retryable" if isinstance(error, Retryable) else "Halt"
    for module in _way(error):
        if (entry := of_module(module, kind)) is not None:
            return entry
    return explanations()[_LAST]


def of_module(module: str, kind: str) -> Explanation | None:
    """The entry that names this module most closely, one for this kind alone before the others."""
    fitting = [
        (explanation.closest(module, kind), explanation.only is not None, explanation)
        for explanation in explanations().values()
    ]
    longest, _, entry = max(fitting, key=lambda candidate: (len(candidate[0]), candidate[1]))
    return entry if longest else None


def _way(error: BaseException) -> Iterator[str]:
    """The modules of this package that the error went through, the innermost first."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if _PACKAGE in path.parents:
            yield path.relative_to(_PACKAGE).with_suffix("").as_posix()
