"""``item_correction`` (登记项目变更更正): which registered item was changed or corrected, and when."""

from __future__ import annotations

from typing import Final

from exchange.base.tables import ITEMS
from exchange.matching.items.event import day_part, event_rule, word_part

CORRECTABLE: Final = (
    "name", "former_name", "sex", "id_number", "ethnicity", "birth_date", "birthplace", "native_place",
    "registered_address", "kinship",
)  # fmt: skip
WORDS: Final = {word: code for code in CORRECTABLE if code in ITEMS for word in (code, ITEMS[code].zh)} | {
    "与户主关系": "kinship",
    "身份证号": "id_number",
    "身份证号码": "id_number",
    "出生年月日": "birth_date",
    "户籍地址": "registered_address",
    "住址": "registered_address",
}

RULE = event_rule(
    "item_correction",
    ("item_correction",),
    (
        word_part("correction_item", WORDS, "event.item", required=True),
        day_part("correction_date", "event.happened_on"),
    ),
)
