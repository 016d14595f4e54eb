"""Hooks of MkDocs (``mkdocs.yml``, ``make docs``): what the documents need to be a site of their own.

Rules: the decisions stand in the navigation as they lie in ``docs/adr/``; a link to a file of the tree that is no
document is left as its words, because a site has no such file. That it exists ``tests/docs`` checks.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

_LINK: Final = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+[^)#\s]*)[^)]*\)")


def on_config(config: Any) -> Any:
    """Adds the decisions to the navigation."""
    folder = Path(config["docs_dir"])
    decisions = [path.relative_to(folder).as_posix() for path in sorted(folder.glob("adr/*.md"))]
    config["nav"].append({"决定 Decisions": decisions})
    return config


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """The page's text without links that lead out of the documents."""
    return without_outer_links(markdown, Path(page.file.src_uri), Path(config["docs_dir"]))


def without_outer_links(markdown: str, page: Path, docs: Path) -> str:
    """The text of ``page`` (relative to ``docs``) with each link that leaves ``docs`` as its words alone."""

    def kept_or_words(link: re.Match[str]) -> str:
        target = (docs / page).parent / link[2]
        return link[0] if target.resolve().is_relative_to(docs.resolve()) else link[1]

    return _LINK.sub(kept_or_words, markdown)
