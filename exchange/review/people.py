"""Who may do what: officers decide rows of their office's division and below; leaders approve.

Rule: names are accounts of the machine or of Airflow, as the settings list them; nobody acts in another's name.
"""

from __future__ import annotations

from exchange.base.errors import Halt
from exchange.register.reviews import below
from exchange.settings import ReviewOffice, Settings


def offices_of(settings: Settings, account: str) -> list[ReviewOffice]:
    """The offices whose officer this is; Halt where it is nobody's."""
    found = [office for office in settings.offices if account in office.officers]
    if not found:
        msg = f"{account} is no officer of any office in the settings"
        raise Halt(msg)
    return found


def check_officer(settings: Settings, account: str, division: str) -> None:
    """Halt unless this account is an officer of the division's office, or of one above it."""
    if not any(division.startswith(below(office.division)) for office in offices_of(settings, account)):
        msg = f"{account} is no officer for {division}"
        raise Halt(msg)


def check_officer_or_leader(settings: Settings, account: str) -> None:
    """Halt unless this account is some office's officer or a leader's."""
    if account not in settings.leaders:
        offices_of(settings, account)


def check_told(settings: Settings, account: str) -> None:
    """Halt unless this account may ask who was told about a person."""
    if account not in settings.told:
        msg = f"{account} may not ask who was told about a person; the settings name who may (told)"
        raise Halt(msg)


def check_leader(settings: Settings, account: str) -> None:
    """Halt unless this account is a leader's."""
    if account not in settings.leaders:
        msg = f"{account} is no leader in the settings; only a leader approves, returns or extends"
        raise Halt(msg)
