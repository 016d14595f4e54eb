"""The guide's section about the desk: its pictures are there, each is used, and what it quotes stands on the page."""

from __future__ import annotations

import re
from typing import Final

from exchange.base.paths import ROOT

GUIDE: Final = (ROOT / "docs" / "partner-guide.md").read_text(encoding="utf-8")
SECTION: Final = GUIDE.partition("## 协作台的四步")[2].partition("\n## ")[0]
MOST_BYTES: Final = 350 * 1024


def test_each_picture_is_there_and_used() -> None:
    shown = re.findall(r"!\[[^\]]+\]\((pictures/[a-z-]+\.png)\)", GUIDE)
    there = {f"pictures/{path.name}": path for path in (ROOT / "docs" / "pictures").iterdir()}
    assert sorted(shown) == sorted(there), "make guide-pictures"
    for path in there.values():
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.stat().st_size < MOST_BYTES


def test_what_is_quoted_is_what_the_page_says() -> None:
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "desk" / "src" / "ui").glob("*.js"))
    quoted = re.findall("“([^”]+)”", SECTION)
    assert len(quoted) > 10
    assert [words for words in quoted if words not in sources] == []
