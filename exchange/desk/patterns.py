"""The regular expressions of the reading rules, as a browser takes them.

Rules
- A pattern is taken from where the rule stands and never written a second time; only its spelling changes.
- What a browser's ``\\s`` holds is not what Unicode calls white space, which is what the office's engine takes it for.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from exchange.base.invisible import INVISIBLE
from exchange.matching import codes, dates, divisions, id_numbers, names
from exchange.output.results import FORMULA_STARTS

_CODE_POINT: Final = re.compile(r"\\x\{([0-9A-Fa-f]+)\}|\\U([0-9A-Fa-f]{8})")

_OFFICE: Final = {
    "left_out": codes._LEFT_OUT,
    "front": codes._FRONT,
    "nothing": codes._NOTHING,
    "id_formula": id_numbers._FORMULA,
    "id_dashes": id_numbers._DASHES,
    "id_looks_like_x": id_numbers._LOOKS_LIKE_X,
    "id_scientific": id_numbers._SCIENTIFIC,
    "id_shape": id_numbers._SHAPE,
    "name_blanks": names._BLANKS,
    "name_dots": names._DOTS,
    "name_readable": names._READABLE,
    "date_midnight": dates._MIDNIGHT,
    "date_day": dates._DAY,
    "date_serial": dates._SERIAL,
    "place_country": divisions._COUNTRY,
    "place_code": divisions._CODE,
    "invisible": f"[{INVISIBLE}]",
    "formula_starts": FORMULA_STARTS,
}


def in_javascript(pattern: str) -> str:
    """The pattern in JavaScript's syntax, for"""
    even = _CODE_POINT.sub(lambda match: rf"\u{{{int(match[1] or match[2], 16):x}}}", pattern)
    return even.replace(r"\s", r"\p{White_Space}")


PATTERNS: Final = MappingProxyType({name: in_javascript(pattern) for name, pattern in _OFFICE.items()})
"""Name → source of the expression, with the flags ``g`` and ``u``."""
