"""Charges and causes of penalties, and the categories they belong to: ``schemas/offence_categories.toml``.

Rules
- A charge is known by its name, with or without 罪 behind it, by a selective part of it (贩卖毒品罪), by a former
  name, or by its code of GA 240.1; width, blanks, the sign between names, and how it was done (未遂) do not matter.
- One record may bear several charges. Of those that are not known nothing is guessed: they are *unknown*.
- The same name as a crime and as a violation means the same category; the record's kind says which it was.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product
from types import MappingProxyType
from typing import Any, Final, Literal

from exchange.base.errors import Halt
from exchange.base.paths import SCHEMAS

Intent = Literal["intentional", "negligent"]

_BETWEEN: Final = re.compile(r"[;/|]")
_AMONG: Final = re.compile(r"[、,]")
_MANNER: Final = re.compile(
    r"\((?:犯罪)?(?:未遂|中止|预备|既遂|致死|致人(?:死亡|重伤|轻伤)|主犯|从犯|共犯|胁从犯|教唆犯|数额(?:较大|巨大|特别巨大))\)(?=罪?案?$)"
)
"""Additions that do not change the charge (attempt, preparation …); a name with any other bracket is unknown."""
_INTENTS: Final[Mapping[str, Intent | None]] = MappingProxyType(
    {"crimes": "intentional", "negligent": "negligent", "either": None, "violations": None}
)


@dataclass(frozen=True)
class Category:
    """A category of charges (``schemas/offence_categories.toml``)."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True)
class Charge:
    """``intent``: None where the law leaves it open, and of violations."""

    name: str
    category: str
    intent: Intent | None


@dataclass(frozen=True)
class Recognised:
    """The charges of one record. ``unknown``: a part of the text is not in the table, or the text is empty."""

    charges: tuple[Charge, ...]
    unknown: bool


@cache
def _content() -> dict[str, Any]:
    return tomllib.loads((SCHEMAS / "offence_categories.toml").read_text(encoding="utf-8"))


@cache
def categories() -> Mapping[str, Category]:
    """Code → category, in the table's order."""
    entries = _content()["category"]
    return MappingProxyType({entry["code"]: Category(entry["code"], entry["zh"], entry["en"]) for entry in entries})


@cache
def charges() -> Mapping[str, Charge]:
    """Every form of a name, as ``_folded``, or code → its charge; Halt where a name stands in two categories."""
    by_form: dict[str, Charge] = {}
    for entry in _content()["category"]:
        for list_name, intent in _INTENTS.items():
            for written in entry.get(list_name, ()):
                pattern = written.rpartition(" ")[0]
                charge = Charge(pattern.replace("|", ""), entry["code"], intent)
                for form in _forms(pattern):
                    known = by_form.setdefault(_folded(form), charge)
                    if known.category != charge.category:
                        msg = (
                            f"schemas/offence_categories.toml: {form} stands in {known.category} and {charge.category}"
                        )
                        raise Halt(msg)
    for pattern, today in _content()["former"].items():
        for form in _forms(pattern):
            by_form.setdefault(_folded(form), by_form[_folded(today)])
    return MappingProxyType(by_form | {code: by_form[_folded(name)] for code, name in _content()["codes"].items()})


def charge(name: str) -> Charge:
    """The charge of this name; KeyError where the table has none."""
    return charges()[_folded(name)]


@cache
def recognise(written: str) -> Recognised:
    """The charges in what a source wrote as a record's charge or cause."""
    texts = [text for text in _BETWEEN.split(unicodedata.normalize("NFKC", written)) if text.strip()]
    matches = [charge for text in texts for charge in _looked_up(text)]
    return Recognised(
        tuple(dict.fromkeys(match for match in matches if match is not None)), None in matches or not matches
    )


def _looked_up(text: str) -> Sequence[Charge | None]:
    whole = charges().get(_folded(text))
    return [whole] if whole is not None else [charges().get(_folded(part)) for part in _AMONG.split(text)]


def _folded(name: str) -> str:
    """The form in which names are compared."""
    text = "".join(unicodedata.normalize("NFKC", name).split())
    return _MANNER.sub("", text).replace(",", "、").removesuffix("案").removesuffix("罪")


def _forms(pattern: str) -> Iterator[str]:
    """All names that a selective name stands for: of each part between bars some of its words, in their order."""
    parts = [part.split("、") for part in pattern.removesuffix("罪").split("|")]
    if len(parts) == 1:
        yield pattern
    else:
        yield from ("".join("、".join(words) for words in chosen) for chosen in product(*map(_some, parts)))


def _some(words: Sequence[str]) -> Iterable[tuple[str, ...]]:
    return [chosen for count in range(1, len(words) + 1) for chosen in combinations(words, count)]
