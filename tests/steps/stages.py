"""A partner whose agreement says another stage for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from exchange.app import App
from exchange.demo.partner import DemoPartner


@contextmanager
def at_stage(app: App, partner: DemoPartner, stage: str) -> Iterator[None]:
    """The partner's agreement says this stage meanwhile; empty: none, as before there were any."""
    path = app.agreement_file(partner.id)
    before = path.read_text("utf-8")
    if stage:
        path.write_text(before.replace("\nlevel =", f'\nstage = "{stage}"\nlevel =', 1), "utf-8")
    try:
        yield
    finally:
        path.write_text(before, "utf-8")
