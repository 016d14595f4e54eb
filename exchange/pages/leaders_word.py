"""A leader's decision on a batch, with the reason: more time for an objection, and results that the guard holds."""

from __future__ import annotations

from fastapi import HTTPException

from exchange.base.errors import without_values
from exchange.pages.asked import PageRequest
from exchange.review.decisions import check_note
from exchange.review.people import check_leader


def posted_batch(asked: PageRequest) -> str:
    """The batch that was posted; 404 where there is none, Halt for who is no leader."""
    batch_id = asked.form.get("batch", "")
    if asked.app.register.find_batch(batch_id) is None:
        raise HTTPException(404)
    check_leader(asked.app.settings, asked.app.register.actor)
    return batch_id


def batch_and_why(asked: PageRequest) -> tuple[str, str]:
    """The batch that was posted and why; Halt without a reason that may be written down."""
    batch_id, why = posted_batch(asked), asked.form.get("why", "").strip()
    with without_values():
        check_note(why, needed=True)
    return batch_id, why
