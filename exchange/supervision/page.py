"""The report as one page of HTML: style and charts inside, no script, nothing fetched from anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from exchange.supervision.charts import STYLE
from exchange.supervision.table import Table, Value
from exchange.supervision.words import Column, Kind, Words, span

_STYLE: Final = {
    "*": "box-sizing:border-box",
    "body": "margin:0 auto;max-width:1360px;padding:28px 32px 60px;color:#1f2933;background:#fff;"
    'font:14px/1.6 "Noto Sans CJK SC","Source Han Sans SC","Microsoft YaHei","PingFang SC",sans-serif',
    "h1": "font-size:24px;margin:0",
    "h2": "font-size:17px;margin:36px 0 8px;padding-bottom:4px;border-bottom:2px solid #2b6cb0",
    ".en": "color:#616e7c;font-weight:normal;font-size:.86em",
    ".note": "color:#52606d;font-size:12.5px;margin:6px 0",
    ".facts": "margin:6px 0 18px;color:#52606d",
    ".summary": "background:#f3f6fa;border-left:4px solid #2b6cb0;padding:10px 16px;margin:14px 0",
    ".summary p": "margin:4px 0",
    ".wide": "overflow-x:auto",
    "table": "border-collapse:collapse;min-width:56%;font-size:13px;line-height:1.45;margin:8px 0",
    "th,td": "padding:4px 6px;border-bottom:1px solid #e4e7eb;text-align:left;vertical-align:top",
    "th": "background:#eef3f8;font-weight:600;vertical-align:bottom;word-break:keep-all",
    "th .en": "display:block;line-height:1.25",
    "td.n,th.n": "text-align:right;font-variant-numeric:tabular-nums",
    "td.n": "white-space:nowrap",
    "td.few": "white-space:nowrap",
    "td.nought": "color:#b0b9c4",
    "tfoot td": "font-weight:600;border-top:2px solid #9aa5b1;background:#f7f9fb",
    ".charts": "display:flex;flex-wrap:wrap;gap:8px 36px",
    "figure": "margin:10px 0 14px;flex:1 1 480px;max-width:640px",
    "figcaption": "font-weight:600;margin-bottom:4px",
    "summary": "cursor:pointer;font-weight:600;margin:18px 0 6px",
    ".none": "color:#616e7c",
    **STYLE,
}
_PRINT: Final = (
    "@media print{body{max-width:none;padding:0;font-size:11px}h2{break-after:avoid}figure,tr{break-inside:avoid}}"
)
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_FEW: Final = 18
"""Characters of a text that is not broken into lines."""


@dataclass(frozen=True)
class Page:
    """``facts``: a line each below the title; ``summary``: sentences; ``notes``: how to read it, at the end."""

    title: Words
    facts: Sequence[str]
    summary: Sequence[Words]
    tables: Mapping[str, Table]
    charts: Mapping[str, str]
    notes: Sequence[Words]


def write_page(page: Page) -> bytes:
    style = "".join(f"{selector}{{{rules}}}" for selector, rules in _STYLE.items()) + _PRINT
    body = [
        f"<h1>{escape(page.title.zh)} {_en(page.title)}</h1>",
        *[f'<p class="facts">{escape(fact)}</p>' for fact in page.facts],
        f'<div class="summary">{_paragraphs(page.summary)}</div>',
        *[_section(table, page.charts.get(code, "")) for code, table in page.tables.items()],
        f"<h2>说明 {_en(Words('', 'how to read this'))}</h2>",
        *[f'<p class="note">{escape(note.zh)} {_en(note)}</p>' for note in page.notes],
    ]
    head = (
        '<!DOCTYPE html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(str(page.title))}</title><style>{style}</style></head>\n<body>\n"
    )
    return (head + "\n".join(body) + "\n</body></html>\n").encode()


def _en(words: Words) -> str:
    return f'<span class="en">{escape(words.en)}</span>'


def _paragraphs(sentences: Sequence[Words]) -> str:
    return "".join(f"<p>{escape(each.zh)}<br>{_en(each)}</p>" for each in sentences)


def _section(table: Table, chart: str) -> str:
    head = table.head
    note = f'<p class="note">{escape(head.note.zh)} {_en(head.note)}</p>' if head.note.zh else ""
    if not table.rows:
        shown = '<p class="none">本月没有。 None this month.</p>'
    else:
        charts = f'<div class="charts">{chart}</div>' if chart else ""
        shown = f'{charts}<div class="wide">{_table(table)}</div>{note}'
    if head.folded:
        return f"<details><summary>{escape(head.title.zh)} {_en(head.title)}</summary>{shown}</details>"
    return f"<h2>{escape(head.title.zh)} {_en(head.title)}</h2>{shown}"


def _table(table: Table) -> str:
    columns = table.head.columns
    head = "".join(f"<th{_class(each.kind)}>{escape(each.words.zh)}{_en(each.words)}</th>" for each in columns)
    rows = "".join(
        _row(columns, _not_repeated(row, before, table.head.grouped))
        for before, row in zip([None, *table.rows], table.rows, strict=False)
    )
    foot = f"<tfoot>{_row(columns, table.total)}</tfoot>" if table.total else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody>{foot}</table>"


def _not_repeated(row: Sequence[Value], before: Sequence[Value] | None, grouped: int) -> Sequence[Value]:
    """The row without what its first columns would repeat of the row before."""
    same = 0
    while before is not None and same < grouped and row[same] == before[same]:
        same += 1
    return [""] * same + list(row[same:])


def _row(columns: Sequence[Column], row: Sequence[Value]) -> str:
    cells = [(column.kind, text(column.kind, value)) for column, value in zip(columns, row, strict=True)]
    return f"<tr>{''.join(f'<td{_class(kind, shown)}>{escape(shown)}</td>' for kind, shown in cells)}</tr>"


def _class(kind: Kind, shown: str = "") -> str:
    if kind != "word":
        return ' class="n nought"' if shown == "0" else ' class="n"'
    return ' class="few"' if 0 < len(shown) <= _FEW else ""


def text(kind: Kind, value: Value) -> str:
    """A cell as it is read."""
    if value is None:
        return "—" if kind != "word" else ""
    if kind == "share" and isinstance(value, float):
        return f"{value:.1%}"
    if kind == "span" and isinstance(value, float):
        return span(value)
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)
