"""``docs/rules.md``: the specification as a person reads it, made from the files of ``tests/spec/``.

Rules: nothing stands there that the tests do not run; of a key that is not known here its own name is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, Final

from exchange.base.tables import ANSWERS, ITEMS, NOTES, REFUSALS, Answer, Sentence, export_words
from exchange.docs.markdown import table, visible
from exchange.docs.specifications import Specification

_INTRODUCTION: Final = """\
<!-- 由 `exchange schemas` 根据 tests/spec/ 生成，请勿手改。 Made by `exchange schemas` from tests/spec/. -->
# 规则与判例 · Rules and cases

每项规则及其判例。判例由测试逐条执行（`tests/spec/`），本页由同一份文件生成，规则、程序和文档因此始终一致。
所有的人、号码、住址均为虚构。“答复”各栏中，号码与姓名空白的为一致，说明空白的为没有说明。
`␠` 为首尾的空格，`⟨U+3000⟩` 为看不见或在各机显示不同的字符。

Each rule with its cases. The tests run every case (`tests/spec/`) and this page is made from the same files, so that
rules, software and documents cannot drift apart. All people, numbers and addresses are invented. Among the answers,
number and name are consistent and the note is empty where nothing is shown. `␠` is a blank at an end, `⟨U+3000⟩` a
character that cannot be seen or looks different from machine to machine.
"""

_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "agreement": "会商协议",
        "answer": "答复",
        "approved": "事先审批",
        "as_of": "截止日",
        "bases": "法律依据",
        "cells": "工作簿的单元格",
        "certificate": "签名证书",
        "claim": "所填",
        "claimed": "所填",
        "column": "问题所在的列或字段",
        "comes_out": "是否计入",
        "counts": "协议写明计入的种类",
        "cycle": "周期",
        "data_source": "数据源",
        "due": "末日",
        "echoed": "回显",
        "event": "业务记录",
        "example": "各类行为的例子",
        "extended": "经批准延长",
        "fresh": "及时",
        "grid": "各依据计入的类别与种类",
        "identity": "号码与姓名",
        "items": "核查事项",
        "last": "其余事项的末日",
        "lines": "数据文件的行",
        "missing": "不在的数据源",
        "note": "说明",
        "office_days": "本省另有通知的日子",
        "person": "登记",
        "provisional": "暂定",
        "received": "收到",
        "records": "违法犯罪记录",
        "refusal": "不予受理",
        "request": "请求",
        "result": "结果的行",
        "result_header": "结果的表头",
        "row": "问题所在的行",
        "row_ref": "业务编号",
        "rows": "清单所列行数",
        "rules": "协议约定的脱敏",
        "saved": "保存的编码",
        "signed": "签名",
        "tells_cancellation": "协议约定说明注销",
        "times": "同一请求中的行数",
        "without": "没有的字段",
    }
)
_IN_COLUMNS: Final = ("claim", "answer", "claimed", "echoed")
"""Of these each field has a column of its own."""

_COMES_OUT: Final = (
    "answer", "comes_out", "echoed", "due", "last", "provisional", "fresh", "result", "refusal", "column", "row",
)  # fmt: skip

_NONE: Final = "无 none"
_LONG: Final = 40
"""Characters of a list that stands in one line."""


def rules_page(specifications: Sequence[Specification]) -> str:
    """The whole page."""
    contents = "\n".join(
        f"- [{specification.zh} · {specification.en}](#{specification.name})" for specification in specifications
    )
    return "\n".join([_INTRODUCTION, contents, "", *(_chapter(specification) for specification in specifications)])


def _chapter(specification: Specification) -> str:
    rules = "\n".join(f"{n}. {rule.zh}<br>{rule.en}" for n, rule in enumerate(specification.rules, 1))
    parts = [
        f'<a id="{specification.name}"></a>\n\n## {specification.zh} · {specification.en}',
        f"依据 Source：{specification.source}",
        rules,
        *_given(specification),
        *(
            f"**{_word(name)} `{name}`**（未列的栏目为空 what is not shown is empty）\n\n{_rows(rows)}"
            for name, rows in specification.tables.items()
        ),
        f"**判例 Cases**\n\n{_cases(specification.cases)}",
    ]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _given(specification: Specification) -> Iterator[str]:
    if specification.settings:
        rows = (
            [f"{_word(path.partition('.')[0])} `{path}`", _value(value)]
            for path, value in _flat(specification.settings)
        )
        yield table("设定 given | 值 value", rows)


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Every single value by its path."""
    for key, value in values.items():
        path = f"{before}{key}"
        if isinstance(value, dict):
            yield from _flat(value, f"{path}.")
        elif isinstance(value, list) and all(isinstance(element, dict) for element in value):
            for number, entry in enumerate(value, 1):
                yield from _flat(entry, f"{path}.{number}.")
        else:
            yield path, value


def _rows(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    header = " | ".join(f"{_word(column)} `{column}`" for column in columns)
    return table(header, ([_value(row[key]) if key in row else "" for key in columns] for row in rows))


def _cases(cases: Sequence[Mapping[str, Any]]) -> str:
    """One column for each field of claim and answer, one for everything else; why comes last."""
    flat = [dict(_columns(case)) for case in cases]
    columns = list(dict.fromkeys(key for case in flat for key in case))
    columns.sort(key=_order)
    header = " | ".join(["#", *(_heading(key) for key in columns), "说明 why"])
    rows = (
        [str(number), *(shown.get(key, "") for key in columns), f"{case['zh']}<br>{case['en']}"]
        for number, (case, shown) in enumerate(zip(cases, flat, strict=True), 1)
    )
    return table(header, rows)


def _order(key: str) -> tuple[bool, int]:
    """What comes out stands behind what went in; among the answers identity first, the note last."""
    return key.partition(".")[0] in _COMES_OUT, {"answer.identity": -1, "answer.note": 1}.get(key, 0)


def _columns(case: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in case.items():
        if key in _IN_COLUMNS and isinstance(value, dict):
            shown = _answer if key == "answer" else _value
            yield from ((f"{key}.{field}", shown(inner)) for field, inner in value.items())
        elif key not in ("zh", "en"):
            yield key, _answer(value) if key in ("answer", "refusal") else _value(value)


def _heading(key: str) -> str:
    group, _, field = key.partition(".")
    return f"{_word(group)}：{_word(field)} `{field}`" if field else f"{_word(key)} `{key}`"


def _word(key: str) -> str:
    """What a key is called in Chinese."""
    if key in ITEMS:
        return ITEMS[key].zh
    return _WORDS.get(key) or export_words().get(key, "")


def _answer(codes: Any) -> str:
    """The code of an answer or a refusal, or codes of notes, with their words."""
    words: Mapping[str, Answer | Sentence] = {**ANSWERS, **NOTES, **REFUSALS}
    if not isinstance(codes, str) or not set(codes.split(";")) <= set(words):
        return _value(codes)
    return "；".join(f"{words[code].zh} `{code}`" for code in codes.split(";"))


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "是 yes" if value else "否 no"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, date):
        return f"`{value.isoformat()}`"
    if isinstance(value, dict):
        return "，".join(f"`{key}`：{_value(inner)}" for key, inner in value.items())
    if value == []:
        return _NONE
    if isinstance(value, list):
        nested = any(isinstance(element, list) for element in value)
        return ("<br>" if nested or len(str(value)) > _LONG else "、").join(_value(element) for element in value)
    return visible(str(value))
