"""All changes of a file, as mutmut makes them, and each as a person reads it: what stood there → what stands there."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from textwrap import dedent
from typing import Final

from mutmut.mutation.file_mutation import mutate_file_contents

from tests.mutate.prepared import MADE, prepared, put_back

_ASKED_FOR: Final = "from mutmut.mutation.trampoline import wrap_in_trampoline as _mutmut_mutated, MutantDict"
_GIVEN: Final = "from tests.mutate.switch import through as _mutmut_mutated, MutantDict"
_METHOD: Final = "xǁ"


@dataclass(frozen=True)
class Change:
    """``name``: of the function in the changed code; ``function``: as the code has it; ``told``: for a reader."""

    module: str
    function: str
    name: str
    told: str

    @property
    def id(self) -> str:
        return f"{self.module}.{self.name}"

    @property
    def where(self) -> str:
        return f"{self.module}.{self.function.removeprefix(MADE)}"


@dataclass(frozen=True)
class Changed:
    """``code`` holds every function beside all of its changes; equal ones are listed once."""

    module: str
    code: str
    changes: Sequence[Change]


def changed(path: Path, root: Path) -> Changed:
    module = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
    code, taken = prepared(path.read_text(encoding="utf-8"))
    made = mutate_file_contents(str(path), code)
    assert _ASKED_FOR in made.code or not made.mutant_names, "mutmut asks for its switch in another way"
    lines = made.code.splitlines()
    spans = made.line_span_by_function_name
    texts = {name: "\n".join(lines[span.start - 1 : span.end]) for name, span in spans.items()}
    seen: set[tuple[str, str]] = set()
    changes = []
    for name in made.mutant_names:
        base = name[: name.rindex("__mutmut_")]
        before, now = (texts[each].replace(f" {each}(", " f(", 1) for each in (f"{base}__mutmut_orig", name))
        same, meaning = (ast.dump(ast.parse(dedent(each))) for each in (before, now))
        if meaning == same or (base, meaning) in seen:
            continue
        seen.add((base, meaning))
        function = base.removeprefix(_METHOD).replace("ǁ", ".") if base.startswith(_METHOD) else base.removeprefix("x_")
        changes.append(Change(module, function, name, _told(before, now)))
    return Changed(module, put_back(made.code.replace(_ASKED_FOR, _GIVEN), taken), changes)


def _told(before: str, now: str) -> str:
    """The lines that differ, on one line."""
    old, new = before.splitlines(), now.splitlines()
    parts = []
    for tag, a, b, c, d in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if tag != "equal":
            was, stands = (" ".join(each.strip() for each in part) for part in (old[a:b], new[c:d]))
            parts.append(f"{was} → {stands}")
    return "; ".join(parts)
