"""``tests/mutants.toml``: what is changed, what tries it, and what may live."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatch
from functools import cache
from typing import Final

from pydantic import BaseModel, ConfigDict

from exchange.base.paths import ROOT

FILE: Final = ROOT / "tests" / "mutants.toml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Room(_Strict):
    """``tests``: as pytest is told them, with its ``options``: no more than notice the changes, and the quick ones."""

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    options: tuple[str, ...] = ()


class MayLive(_Strict):
    """``where``: a pattern of ``<module>.<function>``; ``change``: a regular expression that is found in the change as
    it is told.
    """

    where: str
    change: str
    why: str

    def fits_in(self, where: str) -> bool:
        return fnmatch(where, self.where)

    def fits(self, where: str, told: str) -> bool:
        return self.fits_in(where) and re.search(self.change, told) is not None


class Table(_Strict):
    rooms: tuple[Room, ...]
    may_live: tuple[MayLive, ...] = ()

    def why(self, where: str, told: str) -> str:
        """Why this change may live; empty where nobody said so."""
        return next((each.why for each in self.may_live if each.fits(where, told)), "")


@cache
def table() -> Table:
    return Table.model_validate(tomllib.loads(FILE.read_text(encoding="utf-8")))
