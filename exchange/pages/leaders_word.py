"""A leader's word on a batch, with why: for more time of an objection, and for what the guard holds."""

from __future__ import annotations

from fastapi import HTTPException

from exchange.base.errors import without_values
from exchange.pages.asked import Asked
from exchange.review.decisions import check_note
from exchange.review.people import check_leader


def batch_and_why(asked: Asked) -> tuple[str, str]:
    """The batch that was posted and why; 404 where there is no such batch, Halt for who is no leader, or without a
    reason that may be written down.
    """
    batch_id, why = asked.form.get("batch", ""), asked.form.get("why", "").strip()
    if asked.app.register.find_batch(batch_id) is None:
        raise HTTPException(404)
    check_leader(asked.app.settings, asked.app.register.actor)
    with without_values():
        check_note(why, needed=True)
    return batch_id, why
