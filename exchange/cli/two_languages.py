"""Help in two languages: Chinese on a line of its own, English on the next.

Rules
- English begins behind the last ``。`` that a blank follows; where there is none, behind the last Chinese character.
- What typer says of its own (that something is required, a default, a frame's title) is in both languages, too, and
  stands on a line of its own: behind the first line of two it read as a part of that.
- What a shell completes is not changed: there a sentence has one line.

In one line, rich cuts words off: it compares a fold's number of characters with the width, and a Chinese one takes two.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any, Final

import typer

_CHINESE: Final = r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef“”]"
_ENGLISH_BEGINS: Final = (re.compile(r"(.*。)\s+(\S.*)", re.DOTALL), re.compile(rf"(.*{_CHINESE})\s+(\S.*)", re.DOTALL))

_OF_TYPER: Final = MappingProxyType(
    {
        "Show this message and exit.": "显示本说明。",
        "Install completion for the current shell.": "为当前 shell 安装命令补全。",
        "Show completion for the current shell, to copy it or customize the installation.": (
            "显示补全脚本，供复制、修改。"
        ),
    }
)
"""What typer says by itself, in English alone → the same in Chinese."""

_TITLES: Final = MappingProxyType(
    {"ARGUMENTS": "参数 Arguments", "OPTIONS": "选项 Options", "COMMANDS": "命令 Commands"}
)
_ALONE: Final = " " * 200
"""Behind a mark: rich sets side by side what fits, and this fits beside nothing; blanks at a line's end are left out,
where all before them are as wide as they are many.
"""
_REQUIRED: Final = "（必填）"


def languages(text: str) -> tuple[str, ...]:
    """Chinese and English of a sentence ("中文。 English."); the sentence alone where it has one language."""
    parted = (both.groups() for form in _ENGLISH_BEGINS if (both := form.fullmatch(text)))
    return next(parted, (text,))


def marks_in_both() -> None:
    """What typer adds to help, for this process; before help is shown, as it takes a tenth of a second to import."""
    from typer import rich_utils  # noqa: PLC0415

    for name, title in _TITLES.items():
        setattr(rich_utils, f"{name}_PANEL_TITLE", title)
    rich_utils.REQUIRED_LONG_STRING = f"[required]{_ALONE}"
    rich_utils.DEFAULT_STRING = f"缺省 {{0}}\n[default: {{0}}]{_ALONE}"


def apart(command: Any) -> None:
    """Sets the help of a typer command, of its options and of the commands below it in two lines."""
    if command.help:
        first, *more = (" ".join(paragraph.split()) for paragraph in command.help.split("\n\n"))
        both = languages(first)
        command.short_help, command.help = "\n".join(both), "\n\n".join((*both, *more))
    options_apart(command)
    for below in getattr(command, "commands", {}).values():
        apart(below)


def options_apart(command: Any) -> None:
    """The same of a command's arguments and options alone, typer's own among them; typer shows a paragraph of theirs
    as a line.
    """
    for parameter in command.get_params(typer.Context(command)):
        if text := getattr(parameter, "help", None):
            both = (_OF_TYPER[text], text) if text in _OF_TYPER else languages(text)
            if parameter.required and not both[0].endswith(_REQUIRED):
                both = (both[0] + _REQUIRED, *both[1:])
            parameter.help = "\n\n".join(both)
