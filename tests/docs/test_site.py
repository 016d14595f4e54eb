"""The documents as a site: links that leave it are words, all others stay, nothing is fetched from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.base.paths import ROOT
from exchange.docs.site import without_outer_links

DOCS = ROOT / "docs"


@pytest.mark.parametrize(
    ("page", "text", "left"),
    [
        ("operations.md", "see [scale](scale.md).", "see [scale](scale.md)."),
        ("operations.md", "see [16](adr/0016-x.md#a) and [rules](../docs/rules.md)", None),
        ("settings.md", "[schema](../schemas/settings.schema.json).", "schema."),
        ("adr/0018-x.md", "[a](../../benchmarks/RESULTS.md#x), [b](../scale.md)", "a, [b](../scale.md)"),
        ("adr/0018-x.md", "[outside](https://example.org/../x)", None),
    ],
)  # fmt: skip
def test_links_that_leave_the_documents_are_words(page: str, text: str, left: str | None) -> None:
    assert without_outer_links(text, Path(page), DOCS) == (text if left is None else left)


def test_the_site_asks_nobody_outside() -> None:
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert "font: false" in config
    assert "http" not in config
    assert "mermaid\n" not in config, "the theme fetches Mermaid from outside"
