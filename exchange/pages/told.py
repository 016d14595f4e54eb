"""The ledger's lines of one batch in words, for its page.

Rules
- An officer's answers to a row stand in the ledger and not here: operators need not know them.
  Openings and decisions between two other lines are one line for each person, counted.
- Notes and reasons that somebody typed are not shown either; of a fact without a label only its name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from exchange.base.tables import ALERTS, SOURCES
from exchange.pages import words
from exchange.register import ReleaseState, State, Step
from exchange.register.queue_then import AS_BEFORE_ROWS, QUEUED_ROWS
from exchange.supervision.labels import ROLES, Words

_NAMES: Final = {
    "seen": Words("结果已在部门目录中", "lies in the partner's folder"),
    "taken": Words("部门已取走结果", "taken"),
    "redelivered": Words("重新送达结果", "delivered again"),
    "queued": Words("转人工核实（行）", "rows for officers"),
    "as_before": Words("沿用前次结论（行）", "rows decided as before"),
    "rows_open": Words("待答复（行）", "rows still open"),
    "clock_stands": Words("停止计时", "the clock is paused"),
    "due_on": Words("时限", "due"),
    "due_last": Words("最后时限", "last due"),
    "due_before": Words("原时限", "due before"),
    "due_provisional": Words("暂定", "provisional"),
    "due_working_days": Words("工作日数", "working days"),
    "extended": Words("延期", "extended"),
    "extension_proposed": Words("报请延期", "more time is asked for"),
    "extension_rejected": Words("不予延期", "not extended"),
    "stop_proposed": Words("报请停止计时", "a pause is proposed"),
    "stop_rejected": Words("不予停止计时", "not paused"),
    "stop": Words("停止计时", "paused"),
    "start": Words("恢复计时", "resumed"),
    "receipts_sent": Words("已发回执", "receipts sent"),
    "guard": Words("防探测", "guard"),
    "hold": Words("保全", "hold"),
    "destroyed": Words("已销毁", "destroyed"),
    "told": Words("告知索引", "told index"),
    "alert": Words("提醒", "alert"),
    "pinned": Words("固定快照", "snapshot pinned"),
    "second_pass": Words("第二次核查", "second pass"),
}
_SHOWN: Final = {
    "queued",
    "as_before",
    "rows_open",
    "due_on",
    "due_last",
    "due_before",
    "due_working_days",
    "receipts_sent",
}
"""Facts whose value is a number or a day."""
_UNSHOWN: Final = {QUEUED_ROWS, AS_BEFORE_ROWS}
"""Facts that name rows which another fact of the line counts."""
_LOOKS: Final = re.compile(r"opened|left|handed\.\d+|review\.\d+(\.earlier)?")


@dataclass(frozen=True)
class StepLine:
    """``actor``: a person's id, or who else."""

    when: str
    actor: str
    text: str


def lines(steps: list[Step]) -> list[StepLine]:
    """The steps in order; what officers did between two others, counted by person."""
    told_lines: list[StepLine] = []
    looks: dict[str, list[Step]] = {}
    for step in steps:
        facts = json.loads(step.facts)
        if facts and all(_LOOKS.fullmatch(name) for name in facts):
            looks.setdefault(step.actor, []).append(step)
            continue
        told_lines += _look_lines(looks)
        looks = {}
        text = f"→ {words.STATES[State(step.to_state)]}" if step.from_state != step.to_state else _facts_in_words(facts)
        told_lines.append(StepLine(words.moment(step.at), step.actor, text))
    return told_lines + list(_look_lines(looks))


def _look_lines(looks: Mapping[str, list[Step]]) -> Iterator[StepLine]:
    for person, steps in looks.items():
        facts = [fact for step in steps for fact in json.loads(step.facts).items()]
        opened = sum(len(str(value).split(",")) for name, value in facts if name == "opened")
        undone = sum(value == "undone" for _, value in facts)
        decided = sum(re.fullmatch(r"review\.\d+", name) is not None for name, _ in facts) - undone
        handed = sum(name.startswith("handed.") for name, _ in facts)
        counts = (
            ("查看", "opened", opened),
            ("登记结论", "decided", decided),
            ("撤回", "undone", undone),
            ("移交", "handed over", handed),
        )
        text = "，".join(f"{zh} {count} 行 {en}" for zh, en, count in counts if count) or "放回 left"
        first, last = words.moment(steps[0].at), words.moment(steps[-1].at)
        yield StepLine(first if first == last else f"{first} – {last[-5:]}", person, text)


def _facts_in_words(facts: Mapping[str, object]) -> str:
    return "；".join(dict.fromkeys(_fact(name, str(value)) for name, value in facts.items() if name not in _UNSHOWN))


def _fact(name: str, value: str) -> str:
    kind, _, rest = name.partition(".")
    role, _, number = kind.partition("-")
    if role in ROLES:
        return f"{ROLES[role]}{' ' + number if number else ''}"
    if kind == "release":
        return _release(rest, value)
    if kind == "pinned":
        return f"{_NAMES[kind]} {SOURCES[rest].zh if rest in SOURCES else rest}"
    if kind == "alert":
        code = rest.rstrip("0123456789")
        return f"{_NAMES[kind]} {ALERTS[code].zh if code in ALERTS else code}"
    label = str(_NAMES.get(kind, Words(kind, kind)))
    if kind == "destroyed":
        return f"{label} {ROLES.get(rest.partition('-')[0], rest)}"
    if kind in _SHOWN:
        return f"{label} {value}"
    return f"{label} {rest}".strip()


def _release(rest: str, value: str) -> str:
    """``1`` with its state, or ``1.answers`` and what else was noted of it."""
    number, _, more = rest.partition(".")
    state = value.partition(" ")[0]
    known = not more and state in {release_state.value for release_state in ReleaseState}
    return f"放行 release {number}{f' {words.RELEASES[ReleaseState(state)]}' if known else ''}"
