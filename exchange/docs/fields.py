"""``docs/settings.md`` and ``docs/agreements.md``: every field of a TOML file that people write, made from its model.

Rules: a page is made from the JSON Schema of the model (``schemas/*.schema.json``), so that page, schema and what the
code accepts cannot differ; a field's description is Chinese up to its last ``。``, then English; a field without one
fails here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel

from exchange.docs.markdown import table

_SETTINGS: Final = """\
<!-- 由 `exchange schemas` 根据 exchange/settings.py 生成，请勿手改。 Made by `exchange schemas`. -->
# 设置 · Settings

一个 TOML 文件，由环境变量 `EXCHANGE_CONFIG` 指定；相对路径从该文件所在目录算起。文件中不写口令和私钥，
只写它们所在的文件。

One TOML file, named by the environment variable `EXCHANGE_CONFIG`; relative paths count from its folder. No secret is
in it, only the paths of files that hold one. JSON Schema: [settings.schema.json](../schemas/settings.schema.json).
"""

_AGREEMENTS: Final = """\
<!-- 由 `exchange schemas` 根据 exchange/agreements/agreement.py 生成，请勿手改。 Made by `exchange schemas`. -->
# 会商协议 · Agreements

每个部门一个 TOML 文件 `agreements/<代号>.toml`，旁边放它的两个证书。写好后 `exchange partner check`。
批次按受理时的协议办理，`sftp`、`certificates`、`retention` 除外。

One TOML file per partner, `agreements/<partner>.toml`, its two certificates beside it; `exchange partner check` reads
it. A batch keeps the agreement under which it was accepted, but for `sftp`, `certificates` and `retention`. JSON
Schema: [agreement.schema.json](../schemas/agreement.schema.json).
"""

_HEADER: Final = "字段 field | 值 value | 缺省 default | 说明 | meaning"
_REQUIRED: Final = "必填 required"
_KINDS: Final = MappingProxyType(
    {
        "integer": "整数 integer",
        "number": "数 number",
        "object": "表 table",
        "string": "文本 text",
        "boolean": "`true`、`false`",
    }
)
_FORMATS: Final = MappingProxyType({"date": "日期 date", "path": "路径 path"})

Schema = Mapping[str, Any]


def file_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a TOML file; its fields by the names that stand in the file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema(by_alias=True)}


def settings_page(model: type[BaseModel]) -> str:
    """``docs/settings.md`` in Markdown; ValueError where a field has no description."""
    return _SETTINGS + _sections(file_schema(model))


def agreements_page(model: type[BaseModel]) -> str:
    """``docs/agreements.md`` in Markdown; ValueError where a field has no description."""
    return _AGREEMENTS + _sections(file_schema(model))


def _sections(schema: Schema) -> str:
    """The file's own fields, then each table of it, and those in it, under the name that it has in TOML."""
    return "".join([f"\n{_table(schema, schema)}", *_tables_of(schema, schema)])


def _tables_of(model: Schema, schema: Schema, above: str = "") -> Iterator[str]:
    for name, field in model["properties"].items():
        if (inner := _model_of(field, schema)) is not None:
            heading = f"[[{above}{name}]]" if "items" in field else f"[{above}{name}]"
            zh, en = _described(name, field)
            yield f"\n## `{heading}`\n\n{zh}{en}\n\n{_table(inner, schema)}"
            yield from _tables_of(inner, schema, f"{above}{name}.")


def _table(model: Schema, schema: Schema) -> str:
    return table(_HEADER, _rows(model, schema))


def _rows(model: Schema, schema: Schema) -> Iterator[tuple[str, ...]]:
    for name, field in model["properties"].items():
        inner = _model_of(field, schema)
        default = _REQUIRED if name in model.get("required", ()) else _default(field)
        yield (
            f"`{name}`",
            _value(field, schema),
            "" if inner is not None and default != _REQUIRED else default,
            *_described(name, field),
        )


def _described(name: str, field: Schema) -> tuple[str, str]:
    zh, stop, en = " ".join(field.get("description", "").split()).rpartition("。")
    if not zh or not en:
        msg = f"{name}: a field needs a description, in Chinese up to its last 。, then in English"
        raise ValueError(msg)
    return zh + stop, en.strip()


def _default(field: Schema) -> str:
    value = field.get("default")
    return "" if value in (None, []) else f"`{json.dumps(value, ensure_ascii=False)}`"


def _model_of(field: Schema, schema: Schema) -> Schema | None:
    """The table that a field holds, itself, optionally or as a list; None where it holds a value."""
    for form in (field, field.get("items", {}), *field.get("anyOf", ())):
        model = _resolved(form, schema)
        if "properties" in model:
            return model
    return None


def _resolved(field: Schema, schema: Schema) -> Schema:
    """The field, or the definition that it names."""
    reference: str = field.get("$ref", "")
    definition: Schema = schema["$defs"][reference.rpartition("/")[2]] if reference else field
    return definition


def _value(field: Schema, schema: Schema) -> str:
    """What may stand there, in short."""
    if "anyOf" in field:
        return _value(next(form for form in field["anyOf"] if form.get("type") != "null"), schema)
    if "items" in field:
        return f"列表 list：{_value(field['items'], schema)}"
    resolved = _resolved(field, schema)
    if "enum" in resolved:
        return "、".join(f"`{value}`" for value in resolved["enum"])
    if "properties" in resolved:
        return "表 table"
    return _FORMATS.get(resolved.get("format", ""), _KINDS[resolved["type"]]) + _bounds(resolved)


def _bounds(field: Schema) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤"}
    return "".join(f"，{sign} {field[bound]:g}" for bound, sign in signs.items() if bound in field)
