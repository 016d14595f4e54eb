"""Relations to the head: the table is whole, words lead to one code each, and general words take in particular ones."""

from __future__ import annotations

import polars as pl
import pytest

from exchange.base.paths import SCHEMAS
from exchange.matching.relations import HEAD, relation_answer, relation_number, relation_words


def number(word: str) -> int | None:
    found: int | None = pl.DataFrame({"text": [word]}).select(relation_number(pl.col("text"))).item()
    return found


def answer(claimed: str, registered: str) -> str:
    frame = pl.DataFrame({"claimed": [claimed], "registered": [registered]})
    columns = [relation_number(pl.col(column)) for column in ("claimed", "registered")]
    found: str = frame.select(relation_answer(*columns)).item()
    return found


def test_the_table_is_that_of_the_standard() -> None:
    """GB/T 4761-2008: 98 (保姆 in the edition of 1984) was given up."""
    rows = pl.read_csv(SCHEMAS / "relations.csv", infer_schema=False).fill_null("")
    codes = [int(code) for code in rows["code"] if code]
    assert codes == [1, 2, 10, 11, 12, *range(20, 98), 99]
    known = {f"{code:02}" for code in codes}
    for column in ("covers", "near"):
        assert {code for cell in rows[column] for code in cell.split()} <= known


def test_what_is_near_is_so_from_both_sides() -> None:
    """Adopted and step-children are children as any (Civil Code art. 1071, 1072, 1111): which child somebody is says
    nothing of whether they were adopted.
    """
    rows = pl.read_csv(SCHEMAS / "relations.csv", infer_schema=False).fill_null("")
    near = {(code, other) for code, cell in rows.select("code", "near").iter_rows() for other in cell.split()}
    assert near == {(other, code) for code, other in near}


def test_no_word_stands_for_two_relations() -> None:
    rows = pl.read_csv(SCHEMAS / "relations.csv", infer_schema=False).fill_null("")
    words = [word for row in rows.iter_rows(named=True) for word in {row["name"], *row["words"].split()}]
    assert len(words) == len(set(words))
    assert len(relation_words()) == len(words) + 84 + 2  # the codes; 01 and 02 also as a single digit


@pytest.mark.parametrize(
    ("word", "code"),
    [("02", 2), ("2", 2), ("２０", 20), (" 儿 子 ", 20), ("妻子", 12), ("丈夫", 11), ("养子", 27), ("3", None),
     ("98", None), ("002", None), ("邻居", None), ("", None)],
)  # fmt: skip
def test_words(word: str, code: int | None) -> None:
    assert number(word) == code


@pytest.mark.parametrize(
    ("claimed", "registered", "expected"),
    [
        ("长子", "22", "consistent"),
        ("子", "22", "consistent"),
        ("子女", "22", "consistent"),
        ("子女", "20", "consistent"),
        ("孩子", "37", "consistent"),
        ("子", "27", "consistent"),
        ("子", "28", "inconsistent"),
        ("子女", "38", "inconsistent"),
        ("子", "30", "inconsistent"),
        ("长子", "20", "under_review"),
        ("长子", "21", "under_review"),
        ("长子", "23", "inconsistent"),
        ("长子", "27", "under_review"),
        ("继子", "21", "under_review"),
        ("养子", "28", "inconsistent"),
        ("养女", "34", "under_review"),
        ("次女", "37", "under_review"),
        ("配偶", "11", "consistent"),
        ("妻", "10", "under_review"),
        ("妻", "11", "inconsistent"),
        ("父母", "52", "consistent"),
        ("父母", "56", "inconsistent"),
        ("父亲", "57", "under_review"),
        ("父亲", "50", "under_review"),
        ("祖父母", "64", "consistent"),
        ("外祖父母", "61", "inconsistent"),
        ("外祖父母", "64", "consistent"),
        ("兄弟姐妹", "77", "consistent"),
        ("兄弟姐妹", "78", "inconsistent"),
        ("兄弟", "75", "inconsistent"),
        ("其他", "93", "consistent"),
        ("侄子", "80", "under_review"),
        ("非亲属", "97", "inconsistent"),
    ],
)
def test_what_a_word_takes_in(claimed: str, registered: str, expected: str) -> None:
    assert answer(claimed, registered) == expected


def test_a_general_word_and_a_particular_one_are_never_contradictory() -> None:
    rows = pl.read_csv(SCHEMAS / "relations.csv", infer_schema=False).fill_null("")
    for general, covers in rows.select("name", "covers").iter_rows():
        for code in covers.split():
            assert answer(general, code) == "consistent"
            assert answer(code, general) == "under_review"


def test_the_head_is_named_by_two_codes() -> None:
    assert [number("本人"), number("户主")] == list(HEAD)


def test_a_register_that_names_no_relation_is_looked_into() -> None:
    assert answer("子", "") == "under_review"
