"""What a manifest may be written like, and what is named where it does not fit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.base.errors import Refused
from exchange.wire.manifest import RequestManifest, is_whole_json, parse

SOUND: dict[str, Any] = {
    "format": "exchange-request/1",
    "partner": "court-changchun",
    "batch": "court-changchun.1",
    "cycle": "ad_hoc",
    "period": "2026-11-23",
    "purpose": "case_handling",
    "legal_basis": "依据",
    "handler": "王某",
    "items": ["sex"],
    "rows": 1,
    "data": {"name": "court-changchun.1.csv", "size": 5, "sha256": "0123456789abcdef" * 4},
}
TEXT = json.dumps(SOUND, ensure_ascii=False)


def column(content: bytes) -> str | None:
    with pytest.raises(Refused) as refused:
        parse(RequestManifest, content)
    assert refused.value.code == "manifest_format"
    return refused.value.column


def test_utf8_is_read_with_and_without_its_mark() -> None:
    assert parse(RequestManifest, TEXT.encode("utf-8-sig")) == parse(RequestManifest, TEXT.encode())


@pytest.mark.parametrize(("before", "behind"), [("\ufeff\ufeff", ""), ("\u200b", ""), ("\ufeff\u200b", "\x1a\x1a")])
def test_marks_that_programs_put_around_a_text_are_none_of_it(before: str, behind: str) -> None:
    content = (before + TEXT + behind).encode()
    assert is_whole_json(content)
    assert parse(RequestManifest, content) == parse(RequestManifest, TEXT.encode())
    in_gb18030 = (before + TEXT + behind).encode("gb18030")
    assert is_whole_json(in_gb18030), "it is taken, so that the answer comes at once"
    with pytest.raises(Refused, match="manifest_encoding"):
        parse(RequestManifest, in_gb18030)


@pytest.mark.parametrize(
    "content",
    [b"[" * 30_000 + b"]" * 30_000, TEXT.replace('"rows": 1', '"rows": ' + "9" * 5000).encode()],
    ids=["nested", "long-number"],
)
def test_what_python_cannot_hold_is_refused_at_once(content: bytes) -> None:
    """It was taken for one that is still being uploaded."""
    assert is_whole_json(content)
    column(content)


@pytest.mark.parametrize("digest", ["0123456789ABCDEF" * 4, "0123456789aBcDeF" * 4])
def test_a_hash_is_the_same_in_upper_case(digest: str) -> None:
    written = TEXT.replace(SOUND["data"]["sha256"], digest)
    assert parse(RequestManifest, written.encode()) == parse(RequestManifest, TEXT.encode())


@pytest.mark.parametrize("encoding", ["gb18030", "gbk", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_another_encoding_is_named(encoding: str) -> None:
    content = TEXT.encode(encoding)
    assert is_whole_json(content), "it is taken, so that the answer comes at once"
    with pytest.raises(Refused) as refused:
        parse(RequestManifest, content)
    assert refused.value.code == "manifest_encoding"
    assert not any(is_whole_json(content[:length]) for length in range(0, len(content) - 4))


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('"rows": 1', '"rows": 1, "rows": 2', "rows"),
        ('"rows": 1', '"rows": 2, "rows": 1', "rows"),
        ('"size": 5', '"size": 5, "size": 5', "data.size"),
        ('"rows": 1', '"rows": 1, "extra": 2', "extra"),
        ('"size": 5', '"size": 5, "extra": 2', "data.extra"),
        ('"rows": 1', '"rows": 1, "张三": 2', "#unknown"),
        ('"rows": 1', '"rows": 1, "11010519491231002X": 2, "11010519491231002X": 3', "#unknown"),
        ('"rows": 1', '"rows": NaN', "rows"),
        ('"rows": 1', '"rows": 1, "\\udc00": 2', "#unknown"),
    ],
)
def test_the_field_is_named(old: str, new: str, named: str) -> None:
    assert column(TEXT.replace(old, new).encode()) == named


PLACES = [field for field in SOUND if field != "data"] + ["items.0", "data.name", "data.size", "data.sha256"]


@pytest.mark.parametrize("field", [place for place in PLACES if place != "items.0"])
@pytest.mark.parametrize("value", ["null", "1", '"one"', "{}"])
def test_a_field_that_stands_twice_is_named_by_its_whole_path(field: str, value: str) -> None:
    name = field.rpartition(".")[2]
    start = TEXT.index("{", 1) if "." in field else 0
    twice = f'{{"{name}": {value}, {TEXT[start + 1 :]}'
    assert column((TEXT[:start] + twice).encode()) == field


@pytest.mark.parametrize("field", PLACES)
@pytest.mark.parametrize("written", ['"a\\ud800b"', '"\\udc00"', "9" * 1001, "-" + "9" * 6000])
def test_the_field_is_named_where_the_model_would_see_no_json(field: str, written: str) -> None:
    """Half a character, and a number without end."""
    fields = json.loads(TEXT)
    *outer, last = [int(part) if part.isdigit() else part for part in field.split(".")]
    place = fields[outer[0]] if outer else fields
    place[last] = "HERE"
    content = json.dumps(fields).replace('"HERE"', written).encode()
    assert is_whole_json(content)
    assert column(content) == field


@given(st.recursive(st.none() | st.text(max_size=5), lambda each: st.lists(each) | st.dictionaries(st.text(), each)))
def test_a_field_is_named_whatever_json_it_is(value: object) -> None:
    assert column(json.dumps(value).encode())


@given(st.sampled_from(sorted(SOUND)), st.none() | st.booleans() | st.floats() | st.lists(st.text(max_size=3)))
def test_a_field_is_named_whatever_stands_in_it(field: str, value: object) -> None:
    named = outcome(json.dumps(SOUND | {field: value}).encode())
    assert named in (None, field) or named.startswith(f"{field}.") or named == "format"


def outcome(content: bytes) -> str | None:
    """The field that is refused; None where nothing is."""
    try:
        parse(RequestManifest, content)
    except Refused as refused:
        return refused.column or "nothing named"
    return None
