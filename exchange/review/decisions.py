"""What an officer may decide, and what follows from it.

Rules
- Every open column of the row gets an answer, one of those that ``schemas/reviews.toml`` allows for it.
- Where the identity is decided as anything but *consistent*, nothing else of the person is answered: the other columns
  follow from it as they do in the matching.
- What waits for a source is not decided before the source is there: never *no record* from the others alone. That it is
  another person, or that one of them holds a record, needs no more.
- A decision names what it rests on. A note is short and holds no identity number, however it is spaced or how wide its
  digits are, of 18 characters or of 15.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from exchange.base.errors import Halt
from exchange.base.tables import DECISIONS, ITEMS, REASONS
from exchange.matching.decide import follows
from exchange.output.typed_numbers import holds_number
from exchange.validate.cells import has_text

MAX_NOTE_LETTERS = 200
WAITING = "source_not_ready"


def complete(open_columns: Mapping[str, str], answers: Mapping[str, str]) -> dict[str, str]:
    """The answers for all open columns (column → code now); Halt where one is missing, unknown or not open."""
    every_answer = dict(answers)
    if "identity" in open_columns and (identity := every_answer.get("identity")) is not None:
        every_answer |= follows_identity(open_columns, identity)
    for column in open_columns:
        if column not in every_answer:
            msg = f"{column}: no answer; one of {', '.join(allowed(column))}"
            raise Halt(msg, zh=f"“{_named(column)}”尚未选答复")
    for column, code in answers.items():
        if column not in open_columns:
            msg = f"{column} is not open in this row"
            raise Halt(msg, zh=f"此行的“{_named(column)}”无须核实")
        if open_columns[column] == WAITING and every_answer[column] not in ("not_answered", "record_found"):
            msg = f"{column}: a source is missing or older than its limit; the row is decided once it is there"
            raise Halt(msg, zh=f"“{_named(column)}”所需的数据源缺失或过期，待其就绪后再核实")
        if code not in allowed(column):
            msg = f"{column}: this cannot be decided; one of {', '.join(allowed(column))}"
            raise Halt(msg, zh=f"“{_named(column)}”不能作此答复")
    return {column: every_answer[column] for column in open_columns}


def follows_identity(open_columns: Iterable[str], identity: str) -> dict[str, str]:
    """The other open columns' answers that follow from the identity's; none of one that is decided by itself."""
    others = [column for column in open_columns if column != "identity"]
    if identity != "consistent":
        return {column: follows(column, identity) for column in others}
    return {column: identity for column in others if column in ("id_number", "name")}


def allowed(column: str) -> tuple[str, ...]:
    """The answers that may be decided for the identity or an item."""
    if column in ("id_number", "name"):
        return DECISIONS["identity"]
    return DECISIONS.get(column, DECISIONS["other"])


def _named(column: str) -> str:
    """The column as an officer reads it."""
    return {"identity": "号码与姓名", **{code: item.zh for code, item in ITEMS.items()}}.get(column, column)


def check_reason(reason: str, note: str | None) -> None:
    """Halt where the reason is not in the table, or the note is not allowed."""
    if reason not in REASONS:
        msg = f"no such reason; one of {', '.join(REASONS)}"
        raise Halt(msg, zh="请从列出的依据中选一项")
    check_note(note, needed=reason == "other")


def check_note(note: str | None, *, needed: bool = False) -> None:
    """Halt where a note is missing though needed, is long, or holds an identity number."""
    if needed and not has_text(note or ""):
        msg = "the reason 'other' needs a note, and so does whatever a reason is asked for"
        raise Halt(msg, zh="请写明情况：依据为“其他”的，以及须说明理由的，备注必填")
    if note is not None and (len(note) > MAX_NOTE_LETTERS or holds_number(note)):
        msg = f"a note has at most {MAX_NOTE_LETTERS} characters and holds no identity number"
        raise Halt(msg, zh=f"备注不超过 {MAX_NOTE_LETTERS} 字，不得填写身份证号")
