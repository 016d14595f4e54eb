"""Charts as inline SVG: stacked bars, bars and columns, each with its numbers as text and as a hint at the pointer.

Rules: no script, no outside address; the same numbers give the same bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from exchange.supervision.shares import percent, rounded, share_of

_WIDTH: Final = 720
_LABEL: Final = 226
_NUMBER: Final = 80
_LINE: Final = 30
_BAR: Final = 16
_LEGEND: Final = 22
_COLUMN_HEIGHT: Final = 150
_LEAST_FOR_TEXT: Final = 38
"""Pixels of a segment that has room for its share."""


@dataclass(frozen=True)
class Series:
    """A part of each bar: its name and its colour."""

    name: str
    colour: str


def stacked(
    title: str, rows: Sequence[tuple[str, Sequence[int]]], series: Sequence[Series], hidden: Collection[str] = ()
) -> str:
    """A bar for each row, as wide as the others, divided among the series; rows without anything have no bar.
    ``hidden``: the labels of rows that have a part which may not be shown.
    """
    legend, below = _legend(series)
    parts = [legend]
    for position, (label, values) in enumerate(rows):
        top = below + position * _LINE
        parts += [_label(label, top), _number(f"{sum(values):,}{'＋' if label in hidden else ''}", top)]
        x, width = float(_LABEL), _WIDTH - _LABEL - _NUMBER
        for name, value in zip(series, values, strict=True):
            if value:
                part = share_of(value, sum(values), hidden=label in hidden)
                parts.append(
                    _segment(x, top, part * width, name, f"{label}：{name.name} {value:,}（{percent(part)}）", part)
                )
                x += part * width
    return _svg(title, below + len(rows) * _LINE, parts)


def _segment(x: float, top: int, width: float, series: Series, hint: str, part: float) -> str:
    inside = ""
    if width >= _LEAST_FOR_TEXT:
        inside = f'<text class="in" x="{x + width / 2:.1f}" y="{top + 20}">{rounded(part, 100):.0%}</text>'
    return f"<g><title>{escape(hint)}</title>{_rect(x, top + 7, width, _BAR, series.colour)}{inside}</g>"


def bars(title: str, rows: Sequence[tuple[str, int, str]], colour: str) -> str:
    """A bar for each (label, length, number as text)."""
    longest = max((length for _, length, _ in rows), default=0) or 1
    parts = []
    for position, (label, length, number) in enumerate(rows):
        top, width = position * _LINE, (_WIDTH - _LABEL - _NUMBER) * length / longest
        bar = _rect(_LABEL, top + 7, max(width, 1), _BAR, colour)
        hint = escape(f"{label}：{number}")
        parts += [_label(label, top), f"<g><title>{hint}</title>{bar}</g>"]
        parts.append(
            f'<text class="number" x="{_LABEL + max(width, 1) + 8:.1f}" y="{top + 20}">{escape(number)}</text>'
        )
    return _svg(title, len(rows) * _LINE + 6, parts)


def columns(title: str, days: Sequence[tuple[str, Sequence[int]]], series: Sequence[Series]) -> str:
    """Columns side by side for each day, over one scale that begins at nought."""
    highest = max((value for _, values in days for value in values), default=0) or 1
    legend, below = _legend(series)
    step, base = (_WIDTH - 50) / max(len(days), 1), below + _COLUMN_HEIGHT
    wide = step * 0.8 / len(series)
    parts = [legend]
    for line in sorted({0, highest // 2, highest}):
        y = base - _COLUMN_HEIGHT * line / highest
        parts.append(f'<line class="grid" x1="44" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="axis" x="38" y="{y + 4:.1f}" text-anchor="end">{line:,}</text>')
    for position, (day, values) in enumerate(days):
        x = 46 + position * step
        for number, (name, value) in enumerate(zip(series, values, strict=True)):
            if value:
                height = _COLUMN_HEIGHT * value / highest
                bar = _rect(x + number * wide, base - height, wide - 0.5, height, name.colour)
                parts.append(f"<g><title>{escape(f'{day}日：{name.name} {value:,}')}</title>{bar}</g>")
        if position % 2 == 0:
            parts.append(
                f'<text class="axis" x="{x + step * 0.4:.1f}" y="{base + 16}" text-anchor="middle">{day}</text>'
            )
    return _svg(title, base + 24, parts)


def _legend(series: Sequence[Series]) -> tuple[str, int]:
    """The legend and its height; as many lines as it takes."""
    parts, x, y = [], 0.0, 4
    for name in series:
        width = 34 + _text_width(name.name)
        if x and x + width > _WIDTH:
            x, y = 0.0, y + _LEGEND
        parts.append(_rect(x, y, 11, 11, name.colour))
        parts.append(f'<text x="{x + 16:.1f}" y="{y + 10}">{escape(name.name)}</text>')
        x += width
    return "".join(parts), y + _LEGEND


def _text_width(text: str) -> float:
    """About how wide a text of 12 pixels is: a Chinese character takes twice the room of a letter."""
    return sum(12 if ord(char) > 0x2E7F else 6.4 for char in text)


def _label(text: str, top: int) -> str:
    fits = text
    while _text_width(fits) > _LABEL - 14:
        fits = fits[:-2] + "…"
    return f'<text class="label" x="{_LABEL - 8}" y="{top + 20}"><title>{escape(text)}</title>{escape(fits)}</text>'


def _number(text: str, top: int, behind: float = _WIDTH - _NUMBER) -> str:
    return f'<text x="{behind + 8:.1f}" y="{top + 20}">{escape(text)}</text>'


def _rect(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'


def _svg(title: str, height: int, parts: Sequence[str]) -> str:
    head = f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">'
    return head + "".join(parts) + "</svg>"
