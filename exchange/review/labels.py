"""What an officer reads: claims, the register's people and the sources' records, in Chinese words.

Rule: nothing is left out and nothing is judged here; a value without a word of its own is shown as it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from exchange.base.tables import CAUSES, ITEMS, OBJECTION_COLUMNS, OFFENCE_KINDS, REQUIRED_COLUMNS, export_words
from exchange.matching.cancellations import CANCELLATION_REASONS
from exchange.matching.codes import SEX, ethnicity_words
from exchange.matching.divisions import division_name
from exchange.matching.id_numbers import check_character
from exchange.matching.items.event import EVENT_KINDS as EVENTS
from exchange.matching.items.event import UNCLEAR_EVENT
from exchange.matching.relations import relation_words
from exchange.matching.sources import UNCLEAR
from exchange.matching.what_counts import COUNTS
from exchange.register import Review

_BOOLEANS: Final = ("true", "false")
_OWN: Final = {
    "key": "公民身份号码", "doubt": "身份存疑", "cancelled": "已注销", "household": "户",
    "several_heads": "户主不止一个", "source": "数据来源", "as_written": "来源原文",
    "sentence_unread": "刑期无法识别", "counts": "对本用途", "by": "依据条文",
}  # fmt: skip
"""Columns that a snapshot makes of an export's."""

_REASONS: Final = {
    "death": "死亡", "settled_abroad": "出国（境）定居", "conscription": "参军", "duplicate": "重复户口",
    "other": "其他",
}  # fmt: skip
_EVENTS: Final = {
    "migration_in": "迁入", "migration_out": "迁出", "address_change": "住址变动", "item_correction": "变更更正",
    "unclear": "种类或号码无法识别",
}  # fmt: skip
_RIGHTS: Final = {"yes": "是", "no": "否"}
_INTENTS: Final = {"intentional": "故意", "negligent": "过失"}
_COUNTS: Final = {COUNTS: "计入 counts", UNCLEAR: "不明，由民警判断 unclear"}
_OFFENCES: Final = {kind.code: kind.zh for kind in OFFENCE_KINDS.values()} | {UNCLEAR: "无法识别"}


@cache
def labels() -> Mapping[str, str]:
    """Column of a request, an export or a snapshot → its Chinese word."""
    claims = [
        claim for item in ITEMS.values() for claim in (*item.claims, *(c for f in item.forms.values() for c in f))
    ]
    asked = {column.code: column.zh[0] for column in (*REQUIRED_COLUMNS, *OBJECTION_COLUMNS, *claims)}
    return MappingProxyType({**export_words(), **asked, **_OWN})


def in_words(columns: Mapping[str, Any]) -> dict[str, str]:
    """Label → text of a claim or a record, without what is empty."""
    labelled = {}
    for column, value in columns.items():
        if value is None or value == "":
            continue
        labelled[labels().get(column, column)] = _text(column, value)
    return labelled


def line(columns: Mapping[str, Any]) -> str:
    """A claim or record in one line, see :func:`in_words`."""
    return "；".join(f"{label} {text}" for label, text in in_words(columns).items())


def why(review: Review) -> str:
    """Why the row needs an officer, and with what words a leader sent it back."""
    causes = [CAUSES[cause].zh if cause in CAUSES else ITEMS[cause].zh for cause in review.causes]
    return "；".join([*causes, f"退回：{review.returned_for}"] if review.returned_for else causes)


def _text(column: str, value: Any) -> str:
    if isinstance(value, bool) or value in _BOOLEANS:  # the sources' records are texts by then
        return "是" if value in (True, "true") else "否"
    translate = _TRANSLATED.get(column)
    return translate(value) if translate else str(value)


def _number(key: int) -> str:
    return str(key) + str(pl.select(check_character(pl.lit(key))).item())


def _named(words: Iterable[tuple[str, int]]) -> Callable[[Any], str]:
    """Code → the first of its words."""
    names: dict[int, str] = {}
    for word, code in words:
        names.setdefault(code, word)
    return lambda value: names.get(int(value), str(value)) if str(value).isdigit() else str(value)


def _worded(names: Mapping[str, str], codes: Mapping[str, int] = MappingProxyType({})) -> Callable[[Any], str]:
    """Code or its number → word."""
    by_text = dict(names) | {str(number): names.get(code, code) for code, number in codes.items()}
    return lambda value: by_text.get(str(value), str(value))


_TRANSLATED: Final[Mapping[str, Callable[[Any], str]]] = MappingProxyType(
    {
        "key": _number,
        "sex": _named((word, code) for word, code in SEX.items() if word in ("未知的性别", "男", "女", "未说明的性别")),
        "ethnicity": _named((word, code) for word, code in ethnicity_words().items() if not word.isdigit()),
        "relation": _named((word, code) for word, code in relation_words().items() if not word.isdigit()),
        "cancelled_reason": _worded(_REASONS, CANCELLATION_REASONS),
        "event": _worded(_EVENTS, {**EVENTS, UNCLEAR: UNCLEAR_EVENT}),
        "kind": _worded(_OFFENCES),
        "counts": _worded(_COUNTS),
        "political_rights": _worded(_RIGHTS),
        "intent": _worded(_INTENTS),
        "item": lambda code: ITEMS[code].zh if code in ITEMS else str(code),
        **dict.fromkeys(
            ("registered_division", "birthplace", "native_place", "from_division", "to_division"),
            lambda code: division_name(str(code)),
        ),
    }
)
