"""The search finds a planted word in each form in which something may have written it."""

from __future__ import annotations

import base64
import json
import pickle
from collections.abc import Callable
from urllib.parse import quote

import pytest

from tests.canary.forms import named

WORDS = ["220102198507149216", "欧阳彧晟"]

WRITTEN: dict[str, Callable[[str], str]] = {
    "text": str,
    "JSON": lambda word: json.dumps({"said": f"no such {word}"}),
    "a representation": lambda word: repr([word]),
    "pickled, as PostgreSQL shows bytes": lambda word: "\\x" + pickle.dumps({"conf": word}).hex(),
    "GBK": lambda word: "\\x" + f"x{word}".encode("gb18030").hex(),
    "a URL": lambda word: f"/row?n={quote(word)}",
    "base64": lambda word: base64.b64encode(word.encode()).decode(),
    "base64 behind one": lambda word: base64.b64encode(f"a{word}b".encode()).decode(),
    "base64 behind two": lambda word: base64.b64encode(f"aa{word}bb".encode()).decode(),
    "JSON in JSON": lambda word: json.dumps(json.dumps(word, ensure_ascii=False)),
}


@pytest.mark.parametrize("form", WRITTEN)
@pytest.mark.parametrize("word", WORDS)
def test_each_form_is_found(word: str, form: str) -> None:
    assert named(WORDS, WRITTEN[form](word)) == [word]


def test_nothing_else_is_found() -> None:
    assert named(WORDS, json.dumps({"other": "220102198507149217 欧阳"})) == []
