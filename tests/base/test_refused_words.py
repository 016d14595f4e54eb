"""A refusal as a partner is told it: what is wrong, and that its batch id is used up, in both languages."""

from __future__ import annotations

import pytest

from exchange.base.tables import REFUSALS, refused_words


@pytest.mark.parametrize("code", REFUSALS)
def test_each_says_once_that_a_new_batch_id_is_needed(code: str) -> None:
    said = refused_words(code)
    assert said.zh.count("新批次号") == 1
    assert any(words in said.en for words in ("new batch id", "use a new one"))
    assert said.zh.startswith(REFUSALS[code].zh)
    assert "。" not in said.zh, "one sentence, that others stand behind"


def test_a_wrong_count_says_how_many_were_found() -> None:
    assert "文件实有 12 行" in refused_words("row_count", 12).zh
    assert "the file has 12 rows" in refused_words("row_count", 12).en
    assert "12" not in refused_words("csv_format", 12).zh, "a place is told beside the sentence"
