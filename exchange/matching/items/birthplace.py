"""``birthplace`` (出生地): a division by code or name, of today or abolished. Where the register does not know, an
officer looks into the paper archive.
"""

from __future__ import annotations

from exchange.matching.items.place import place_rule

RULE = place_rule("birthplace")
