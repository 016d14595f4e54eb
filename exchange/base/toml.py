"""TOML files that people write (settings, agreements, office days): read, checked against a model, or explained.

Rule: an error names file and field and says what would be right; it quotes no value.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from exchange.base.errors import Halt, machine_in_the_way, not_allowed

M = TypeVar("M", bound=BaseModel)


class Section(BaseModel):
    """A table of such a file: frozen, with no field that is not named; the text under a field is its description."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def read_bytes(path: Path, missing: str, *, zh: str = "") -> bytes:
    """The file's bytes; Halt with ``missing`` (``zh``: in Chinese) where there is none, or a folder, where this account
    may not read it, and where the disk does not give it back.
    """
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise Halt(missing, zh=zh) from None
    except PermissionError:
        raise not_allowed(str(path)) from None
    except OSError as error:
        if machine_in_the_way(error) is not None:
            raise
        msg = f"{path}: {error.strerror}"
        raise Halt(msg, zh=f"{path} 读不出，请查磁盘，或从备份恢复") from None


def parse_model(model: type[M], content: bytes, path: Path) -> M:
    """The model that these bytes of ``path`` describe; Halt where they are no TOML or do not fit."""
    try:
        return model.model_validate(tomllib.loads(content.decode("utf-8-sig")))  # Windows' editor begins with a mark
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path}: not TOML: {error}"
        raise Halt(msg, zh=f"{path} 不是可读的 TOML 文件：请照所示位置改正") from None
    except RecursionError:
        msg = f"{path}: not TOML that can be read: values are nested too deeply"
        raise Halt(msg, zh=f"{path} 嵌套过深，读不出") from None
    except ValidationError as error:
        raise Halt(explained(path, error), zh=f"{path} 有误，请照下列各项改正") from None


def explained(path: Path | str, error: ValidationError) -> str:
    """What does not fit, a line per field, and what would be right."""
    return "\n".join(
        f"{path}: {'.'.join(str(part) for part in problem['loc']) or '(file)'}: {problem['msg']}"
        for problem in error.errors(include_input=False, include_url=False, include_context=False)
    )
