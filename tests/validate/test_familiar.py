"""Names of other countries in their own encodings, and rare names of this one, in files that state no encoding."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from exchange.base.errors import Refused
from exchange.base.tables import ITEMS, OBJECTION_COLUMNS, REQUIRED_COLUMNS
from exchange.validate.encoding import to_utf8
from exchange.validate.familiar import familiar_letters, letters_of
from tests.examples import one_in

HEADER = "row_ref,id_number,name\n"
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩邓冯曹彭曾"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀兰霞平刚桂英建国玉梅志华红春文海婷雪浩宇鑫嘉怡"
RARE = "瑾昇堃淼喆翀珺琰彧祎晟婳镕叡翾燊𬬭𫖯䶮㛃"
MINORITY = [
    "阿依古丽",
    "买买提",
    "古丽娜尔",
    "艾合买提",
    "吐尔逊",
    "巴特尔",
    "其其格",
    "乌兰",
    "萨仁花",
    "卓玛",
    "扎西",
]
BESIDE_GB_2312 = [first + second for first in "蕭談賴" for second in "贇訓讓贊"]
WRITTEN = [
    "张José",
    "Þór",
    "Đỗ Thị",
    "Σωκράτης",
    "«Иван»",
    "محمد",
    "Йван",
    "É",
    "Ünal·Öz",
    "Jürgen-Иван",
    "Nº 5",
    "שרה",
]
"""Words of one alphabet each, those with parted accents and in quotation marks among them."""

FOREIGNERS = ["José Müller", "Günlü", "Ööpik", "Иван", "Νίκος", "Nguyễn", "蕭贇", "談訓", "買買提·依明", "𬬭䶮"]
CLEAR = ["张三", "李四", "王芳", "欧阳文", "司马相如", "张三,北京市朝阳区"]
KOREAN = ("김이박최정강조윤장임한오서신권황안송류홍", "민서지현우준영수경진은정희미숙순자호성철")
HANJA = ("金李朴崔鄭姜趙尹張林韓吳徐申權", "敏書智賢俊英秀京珍恩貞姬美淑順")
TAIWANESE = ("陳林黃張李王吳劉蔡楊許鄭謝郭洪曾邱廖賴周", "志明淑芬俊傑雅婷家豪美玲建宏怡君宗翰惠雯")
JAPANESE = (["佐藤", "鈴木", "高橋", "田中", "渡辺"], ["太郎", "さくら", "健一", "ヒロシ", "陽菜", "ケンジ", "花子"])
FOREIGN = [(KOREAN, "cp949"), (HANJA, "cp949"), (TAIWANESE, "big5"), (JAPANESE, "cp932"), (JAPANESE, "euc_jp")]
few = one_in(4)


def gbk(point: int) -> bytes:
    return chr(point).encode("gbk", "ignore")


LETTERS = st.lists(st.sampled_from("éüñåößÉÜ"), min_size=1, max_size=5).map("".join)


def names(parts: tuple[Sequence[str], Sequence[str]], given_names: int = 2) -> st.SearchStrategy[str]:
    """A family name and given ones."""
    family, personal = (st.sampled_from(part) for part in parts)
    return st.builds(lambda first, *rest: "".join([first, *rest]), family, *[personal] * given_names)


def listed(people: Sequence[str], encoding: str) -> bytes:
    return (HEADER + "".join(f"R{at},11010519491231002X,{name}\n" for at, name in enumerate(people))).encode(encoding)


def refusal(content: bytes, stated: str | None = None) -> tuple[str, int | None]:
    with pytest.raises(Refused) as refused:
        to_utf8(content, stated)
    return refused.value.code, refused.value.row


def drawn(draw: random.Random, parts: tuple[Sequence[str], Sequence[str]], count: int) -> list[str]:
    """So many people, each of a family name and two given ones."""
    return [draw.choice(parts[0]) + draw.choice(parts[1]) + draw.choice(parts[1]) for _ in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 20])
@pytest.mark.parametrize(("parts", "encoding"), FOREIGN)
def test_other_encodings_are_other_peoples_names_once_in_a_thousand(
    parts: tuple[Sequence[str], Sequence[str]], encoding: str, count: int
) -> None:
    """And never where it is one name, or many."""
    draw, refused, taken = random.Random(count), [], 0  # noqa: S311
    for _ in range(200):
        try:
            to_utf8(listed(drawn(draw, parts, count), encoding))
        except Refused as error:
            refused.append(error)
        else:
            taken += 1
    assert taken <= (0 if count in (1, 20) else 1)
    assert {each.code for each in refused} <= {"encoding", "encoding_unclear", "mixed_encoding"}
    assert all(each.row is not None and 1 <= each.row <= count for each in refused)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("parts", "encoding"), FOREIGN)
def test_nor_where_they_are_stated_to_be_gb18030(
    parts: tuple[Sequence[str], Sequence[str]], encoding: str, seed: int
) -> None:
    people = drawn(random.Random(seed), parts, 60)  # noqa: S311
    assert refusal(listed(people, encoding), "gb18030")[0] == "encoding"


@pytest.mark.parametrize(("parts", "encoding"), [each for each in FOREIGN if each[0] is not HANJA])
def test_nor_most_of_those_of_few_names(parts: tuple[Sequence[str], Sequence[str]], encoding: str) -> None:
    """Whose bytes are all common characters there; Hanja are nowhere beside common Chinese."""
    draw = random.Random(encoding)  # noqa: S311
    lists = [
        [draw.choice(parts[0]) + draw.choice(parts[1]) + draw.choice(parts[1]) for _ in range(5)] for _ in range(40)
    ]
    read = [people for people in lists if not is_refused(listed(people, encoding), "gb18030")]
    assert len(read) <= len(lists) / 2


def is_refused(content: bytes, stated: str | None) -> bool:
    try:
        to_utf8(content, stated)
    except Refused:
        return True
    return False


@few
@given(st.lists(LETTERS, min_size=1, max_size=9))
def test_letters_with_accents_of_one_byte_are_no_chinese(people: list[str]) -> None:
    assert refusal(listed(people, "latin-1"))[0] in ("encoding", "encoding_unclear")


@few
@given(st.lists(names((SURNAMES, GIVEN)), min_size=2, max_size=20), st.sampled_from(RARE))
def test_names_with_a_rare_character_among_others_are_read(people: list[str], rare: str) -> None:
    text = listed([*people, f"王{rare}"], "utf-8")
    assert to_utf8(text.decode().encode("gb18030")) == text


@few
@given(st.lists(st.sampled_from(MINORITY), min_size=3, max_size=20))
def test_names_of_other_peoples_of_china_are_read(people: list[str]) -> None:
    text = listed([f"{name}·{people[0]}" for name in people], "utf-8")
    assert to_utf8(text.decode().encode("gb18030")) == text


@few
@given(st.lists(st.sampled_from(BESIDE_GB_2312), min_size=1, max_size=20))
def test_names_beside_gb_2312_are_never_read_as_letters(people: list[str]) -> None:
    """In GBK these are valid UTF-8, and neither reading has a common character."""
    text = listed(people, "utf-8")
    in_gbk = text.decode().encode("gbk")
    assert in_gbk.decode()
    assert refusal(in_gbk) == ("encoding_unclear", 1)
    assert to_utf8(in_gbk, "gb18030") == text


@pytest.mark.parametrize("by_accident", ["郑伟", "谢瑾昇"])
@pytest.mark.parametrize("stated", [None, "utf-8"])
@few
@given(st.lists(names((SURNAMES, GIVEN)), min_size=2, max_size=20), st.data())
def test_a_line_that_is_utf8_by_accident_is_no_letters_either(
    stated: str | None, by_accident: str, people: list[str], data: st.DataObject
) -> None:
    at = data.draw(st.integers(1, len(people)))
    lines = listed(people, "utf-8").splitlines(keepends=True)
    mixed = [*lines[:at], f"R0,11010519491231002X,{by_accident}\n".encode("gb18030"), *lines[at:]]
    code = "mixed_encoding" if stated is None else "encoding"
    if at > 1 or stated == "utf-8":
        assert refusal(b"".join(mixed), stated) == (code, at)
    else:  # the first line with a name
        assert refusal(b"".join(mixed), stated)[0] in (code, "encoding_unclear")


BY_ACCIDENT = [chr(point) for point in range(0x4E00, 0xA000) if re.fullmatch(rb"[\xc2-\xdf][\x80-\xbf]", gbk(point))]
"""Chinese, common and rare, whose bytes in GBK are one letter of another alphabet in UTF-8."""


def is_written(text: str) -> bool:
    """Whether it may be a word, by Unicode's names of its letters; what has signs or marks may always be one."""
    kinds = {unicodedata.name(letter, "?").split()[0] for letter in text}
    all_letters = all(unicodedata.category(letter)[0] == "L" for letter in text)
    return not all_letters or (len(kinds) == 1 and kinds != {"LATIN"})


@pytest.mark.parametrize("stated", [None, "utf-8"])
@given(st.lists(st.sampled_from(BY_ACCIDENT), min_size=2, max_size=3).map("".join))
def test_nor_is_a_rare_one(stated: str | None, name: str) -> None:
    """Its bytes are letters that nobody writes side by side: of several alphabets, or Latin without a plain one."""
    as_letters = name.encode("gbk").decode()
    assume(not is_written(as_letters))
    people = listed(["王芳", "李四", "赵丽", "陈明", "刘洋", "杨帆"], "utf-8")
    mixed = people + f"R9,11010519491231002X,{name}\n".encode("gbk")
    assert refusal(mixed, stated) == ("mixed_encoding" if stated is None else "encoding", 7)


@pytest.mark.parametrize("stated", [None, "utf-8"])
@few
@given(st.lists(names((SURNAMES, GIVEN)), min_size=8, max_size=20), st.sampled_from(FOREIGNERS + WRITTEN))
def test_a_foreigner_or_a_rare_name_in_a_list_of_utf8_is_read(
    stated: str | None, people: list[str], other: str
) -> None:
    text = listed([*people, other], "utf-8")
    assert to_utf8(text, stated) == text


@few
@given(st.lists(names((SURNAMES, GIVEN)), min_size=2, max_size=20), st.sampled_from(CLEAR), st.data())
def test_a_line_of_utf8_in_a_file_stated_to_be_gb18030_is_no_other_name(
    people: list[str], name: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(1, len(people) + 1))
    lines = listed(people, "gb18030").splitlines(keepends=True)
    mixed = [*lines[:at], f"R0,11010519491231002X,{name}\n".encode(), *lines[at:]]
    assert refusal(b"".join(mixed), "gb18030") == ("encoding", at)


@few
@given(st.lists(names((SURNAMES, GIVEN + RARE)), min_size=1, max_size=20), st.sampled_from(["谢瑾昇", "郑伟", "蕭贇"]))
def test_nor_is_a_line_refused_for_being_utf8_by_accident_in_such_a_file(people: list[str], name: str) -> None:
    text = listed([*people, name], "utf-8")
    assert to_utf8(text.decode().encode("gb18030"), "gb18030") == text


def test_such_a_name_is_read_in_utf8_where_gbk_has_no_common_character_for_it() -> None:
    text = listed(["蕭贇"], "utf-8")
    assert to_utf8(text) == text


@few
@given(st.lists(names((SURNAMES, RARE), 1), min_size=1, max_size=40))
def test_rare_names_alone_are_read_where_the_encoding_is_stated_or_the_header_shows_it(people: list[str]) -> None:
    text = listed(people, "utf-8")
    assert to_utf8(text.decode().encode("gb18030"), "gb18030") == text
    chinese = text.replace(HEADER.encode(), "业务编号,公民身份号码,姓名\n".encode())
    assert to_utf8(chinese.decode().encode("gb18030")) == chinese


@pytest.mark.parametrize("name", ["郑伟", "王芳", "欧阳文"])
def test_a_single_name_decides_nothing(name: str) -> None:
    assert refusal(listed([name], "gb18030")) == ("encoding_unclear", 1)


def test_the_headers_are_familiar() -> None:
    columns = [*REQUIRED_COLUMNS, *OBJECTION_COLUMNS]
    for item in ITEMS.values():
        columns += [*item.claims, *(column for form in item.forms.values() for column in form)]
    words = "".join(word for column in columns for word in column.zh)
    assert letters_of(words).familiar == letters_of(words).all


def test_some_thousand_letters_each_once() -> None:
    assert 900 < len(familiar_letters()) < 1200
