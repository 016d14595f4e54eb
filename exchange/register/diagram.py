"""The states of a batch as a picture, drawn from the table that decides (``docs/states.md``, Mermaid)."""

from __future__ import annotations

from exchange.register.states import OPEN, TRANSITIONS, State

_HEAD = """# 批次状态 · States of a batch

Made by `exchange schemas` from `TRANSITIONS` in `exchange/register/states.py`; do not edit.

"""


def states_page() -> str:
    """The page in Markdown: each state and what may follow it, in the table's order."""
    arrows = [
        f"    {before or '[*]'} --> {after}"
        for before, following in TRANSITIONS.items()
        for after in sorted(following, key=list(State).index)
    ]
    ends = [f"    {state} --> [*]" for state in State if not TRANSITIONS[state]]
    left = ", ".join(f"`{state}`" for state in State if state in OPEN)
    picture = "\n".join(["```mermaid", "stateDiagram-v2", *arrows, *ends, "```"])
    return f"{_HEAD}{picture}\n\n未结 Open, something is still to be done: {left}.\n"
