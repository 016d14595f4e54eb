"""Looks into partners' folders, again and again."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _looked_into(asked_partners: None) -> None:
    """Each look is at three partners."""
