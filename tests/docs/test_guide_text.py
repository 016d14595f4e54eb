"""The partner guide's text: its fields, headers and tables are the code's, and each of its blocks is played."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from exchange.agreements.sections import Purpose
from exchange.base.tables import ITEMS, RESULT_COLUMNS
from exchange.docs.guide import with_tables
from exchange.docs.specifications import read_specifications
from exchange.wire.manifest import DataFile, Receipt, RequestManifest, ResultManifest
from tests.docs.guide_desk import ASK, BLOCKS, GUIDE, ONCE


def test_the_sample_of_a_result_has_the_headers_that_results_have() -> None:
    header = next(line for line in GUIDE.splitlines() if line.startswith("业务编号,公民身份号码,姓名,号码与姓名"))
    fixed = [column.zh[0] for column in RESULT_COLUMNS]
    asked = [f"{ITEMS[item].zh}核查结果" for item in ("id_number", "name", "sex")]
    assert header.split(",") == [*fixed, *asked]


def test_every_block_of_the_guide_is_played() -> None:
    answers = ("look", "receipt", "compare", "result", "tidy", "acknowledge", "notice", "proof", "signed")
    others = ("plain", "encoding", "workbook", "renew", "swap", "objection")
    assert {*ONCE, *ASK, *answers, *others} == set(BLOCKS)


@pytest.mark.parametrize("model", [RequestManifest, DataFile, Receipt, ResultManifest])
def test_the_guide_tells_every_field(model: type[BaseModel]) -> None:
    fields = [info.alias or name for name, info in model.model_fields.items()]
    assert [field for field in fields if f"`{field}`" not in GUIDE] == []


def test_several_articles_are_written_as_agreements_cite_them() -> None:
    bases = ("preschool_44", "minors_protection_62")
    purpose = Purpose(code="hiring", zh="聘用", legal_bases=bases, items=("criminal_record",))
    assert f"`{purpose.cited}`" in GUIDE


def test_its_tables_are_those_of_the_code() -> None:
    assert with_tables(GUIDE, read_specifications()) == GUIDE
