"""Former names: what one field of the register may mean."""

from __future__ import annotations

import polars as pl
import pytest

from exchange.matching.former_names import claimed_names, none_named, registered_names


def listed(text: str, names: pl.Expr) -> list[str]:
    found: list[str] = pl.DataFrame({"text": [text]}).select(names)["text"].to_list()[0]
    return found


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ("张三", {"张三"}),
        ("张三、李四", {"张三", "李四"}),
        ("张三，李四；王五", {"张三", "李四", "王五"}),
        ("张三 李四", {"张三李四", "张三", "李四"}),
        ("张 三", {"张三"}),
        ("张 三、李　四", {"张三", "李四"}),
        ("阿依•古丽", {"阿依·古丽"}),
        ("无", set()),
        ("张三、无", {"张三"}),
        ("、", set()),
        ("", set()),
        ("  ", set()),
    ],
)
def test_the_registers_field(field: str, names: set[str]) -> None:
    found = listed(field, registered_names(pl.col("text")))
    assert set(found) == names
    assert len(found) == len(names)


@pytest.mark.parametrize(
    ("claim", "names"),
    [
        ("张 三", ["张三"]),
        ("张三、李四", ["张三", "李四"]),
        ("张三;", ["张三"]),
        (" 、X张三 ； ", ["X张三"]),
        ("李四X；", ["李四X"]),
        ("", [""]),
        ("、", [""]),
    ],
)
def test_a_claim(claim: str, names: list[str]) -> None:
    assert listed(claim, claimed_names(pl.col("text"))) == names


@pytest.mark.parametrize(("text", "none"), [("无", True), (" 没有 ", True), ("None", True), ("", False), ("吴", False)])
def test_none(text: str, none: bool) -> None:
    assert pl.DataFrame({"text": [text]}).select(none_named(pl.col("text"))).item() == none
