"""How many examples a property takes: ``EXAMPLES``, and one that is dear its share of them, so that whoever asks for
more gets more of each.
"""

from __future__ import annotations

import os
from typing import Final

from hypothesis import settings

EXAMPLES: Final = int(os.environ.get("EXAMPLES", "100"))


def one_in(share: int) -> settings:
    """For a property whose example takes so many times as long as another's."""
    return settings(max_examples=max(2, EXAMPLES // share))
