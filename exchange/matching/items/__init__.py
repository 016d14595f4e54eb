"""The items that may be asked, one small file each. To add one: an entry in ``schemas/items.toml`` and a file here that
says which register columns it reads and which expression answers it; then its name in ``RULES`` below.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from exchange.matching.items import (
    address_change,
    birth_date,
    birthplace,
    cancellation,
    criminal_record,
    ethnicity,
    former_name,
    item_correction,
    kinship,
    migration,
    native_place,
    registered_address,
    sex,
)
from exchange.matching.items.rule import ItemRule

_ALL: Final = (
    former_name.RULE,
    sex.RULE,
    birth_date.RULE,
    ethnicity.RULE,
    birthplace.RULE,
    native_place.RULE,
    registered_address.RULE,
    migration.RULE,
    address_change.RULE,
    item_correction.RULE,
    cancellation.RULE,
    kinship.RULE,
    criminal_record.RULE,
)
RULES: Final = MappingProxyType({rule.code: rule for rule in _ALL})

__all__ = ["RULES", "ItemRule"]
