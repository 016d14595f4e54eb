"""The specification of the answers: the files of ``tests/spec/``, which the tests run and the documents are made from.

Rules: a file says in Chinese and English what it is about, its source, its rules, and its cases; whatever else it
holds (people and events of a register, the day of receipt) is read as it stands. The files belong to the tests; a
wheel carries a copy, so that the generated documents can be checked there, too.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from exchange.base.errors import Halt
from exchange.base.paths import ROOT
from exchange.base.tables import ANSWERS, ITEMS

FOLDER: Final = ROOT / "tests" / "spec"
ORDER: Final = (
    "identity",
    *ITEMS,
    "legal_bases",
    "sealed_juvenile",
    "elsewhere",
    "requests",
    "data",
    "deadlines",
    "freshness",
    "masking",
)
"""The order in which a person reads them; others follow by name."""

_MOST_EXAMPLES: Final = 12
_LONG: Final = 30
"""Characters; a longer claim is no good example."""


@dataclass(frozen=True)
class Rule:
    """A rule in words, Chinese and English."""

    zh: str
    en: str


@dataclass(frozen=True)
class Writing:
    """How columns of a request are written. ``examples``: the claims of the cases show what is read and what is not."""

    columns: tuple[str, ...]
    zh: str
    en: str
    examples: bool = False


@dataclass(frozen=True)
class Specification:
    """One file: ``settings`` are its single values, ``tables`` what it holds beside rules and cases."""

    name: str
    zh: str
    en: str
    source: str
    rules: tuple[Rule, ...]
    writings: tuple[Writing, ...]
    settings: Mapping[str, Any]
    tables: Mapping[str, Sequence[Mapping[str, Any]]]
    cases: Sequence[Mapping[str, Any]]


def read_specification(path: Path) -> Specification:
    """The file's content; KeyError or TypeError where its common part is not complete or holds more."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return Specification(
        name=path.stem,
        zh=content.pop("zh"),
        en=content.pop("en"),
        source=content.pop("source"),
        rules=tuple(Rule(**rule) for rule in content.pop("rule")),
        writings=tuple(
            Writing(tuple(written.pop("columns")), written.pop("zh"), written.pop("en"), **written)
            for written in content.pop("written", [])
        ),
        cases=content.pop("case"),
        tables={key: value for key, value in content.items() if _is_table(value)},
        settings={key: value for key, value in content.items() if not _is_table(value)},
    )


def _is_table(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(element, dict) for element in value)


def examples(specification: Specification, writing: Writing, *, read: bool) -> list[str]:
    """The first claims of the cases, in the writing's first column, that agree with the register, or that cannot be
    read; none where the writing shows no examples.
    """
    if not writing.examples:
        return []
    column = writing.columns[0]
    texts_of: dict[bool, dict[str, None]] = {True: {}, False: {}}
    for case in specification.cases:
        codes = {code for field, code in case["answer"].items() if field != "note"}
        text = case["claim"].get(column, "")
        if codes == {"consistent"}:
            texts_of[True][text] = None
        elif any(ANSWERS[code].group == "unreadable" and not code.endswith("_missing") for code in codes):
            texts_of[False][text] = None
    texts = [text for text in texts_of[read] if 0 < len(text) < _LONG and (read or text not in texts_of[True])]
    return texts[:_MOST_EXAMPLES]


def read_specifications(folder: Path = FOLDER) -> tuple[Specification, ...]:
    """All files, in the order in which they are read; Halt where there are none."""
    paths = {path.stem: path for path in sorted(folder.glob("*.toml"))}
    if not paths:
        msg = f"{folder}: no specifications; the documents are made in a checkout of the project, which has tests/spec"
        raise Halt(msg)
    names = [*(name for name in ORDER if name in paths), *(name for name in paths if name not in ORDER)]
    return tuple(read_specification(paths[name]) for name in names)
