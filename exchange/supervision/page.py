"""The report as one page of HTML: style and charts inside, no script, nothing fetched from anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from exchange.supervision.labels import Kind, Words, span
from exchange.supervision.shares import percent
from exchange.supervision.table import Table, Value

_TEMPLATES: Final = Environment(
    loader=PackageLoader("exchange.supervision", "."),
    autoescape=True,
    undefined=StrictUndefined,
    keep_trailing_newline=True,
)
_FEW: Final = 18
"""Characters of a text that is not broken into lines."""


@dataclass(frozen=True)
class ReportPage:
    """``facts``: a line each below the title; ``summary``: sentences; ``notes``: how to read it, at the end."""

    title: Words
    facts: Sequence[str]
    summary: Sequence[Words]
    tables: Mapping[str, Table]
    charts: Mapping[str, str]
    notes: Sequence[Words]


def write_page(page: ReportPage) -> bytes:
    """The page's bytes, by ``page.html``; the same page gives the same bytes."""
    template = _TEMPLATES.get_template("page.html")
    made = template.render(
        page=page,
        chart=lambda code: Markup(page.charts.get(code, "")),  # noqa: S704  (made and escaped by charts.py)
        rows=_rows,
        text=text,
        css_class=_css_class,
        zip=zip,
    )
    return made.encode()


def _rows(table: Table) -> Iterator[Sequence[Value]]:
    """The rows, each without what its first columns would repeat of the row before."""
    for before, row in zip([None, *table.rows], table.rows, strict=False):
        same = 0
        while before is not None and same < table.head.grouped and row[same] == before[same]:
            same += 1
        yield [""] * same + list(row[same:])


def _css_class(kind: Kind, shown: str = "") -> str:
    if kind != "word":
        return "n nought" if shown == "0" else "n"
    return "few" if 0 < len(shown) <= _FEW else ""


def text(kind: Kind, value: Value) -> str:
    """A cell as it is read."""
    if value is None:
        return "—" if kind != "word" else ""
    if kind == "share" and isinstance(value, float):
        return percent(value)
    if kind == "span" and isinstance(value, float):
        return span(value)
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)
