"""Who may do what: officers decide rows of their office's division and below; leaders approve.

Rules
- People are compared by the id that the settings give them, never by an account; nobody acts in another's name.
- Wherever a person is shown, the name is shown with the id: an id alone means nothing to a reader.
"""

from __future__ import annotations

import re

from exchange.base.errors import Halt
from exchange.register.reviews import below
from exchange.settings import Settings
from exchange.settings_sections import Person, PersonRole


def is_leader(settings: Settings, person: str) -> bool:
    """Whether this person is a leader."""
    someone = settings.person(id=person)
    return someone is not None and PersonRole.LEADER in someone.roles


def may_review(settings: Settings, person: str, division: str) -> bool:
    """Whether this person is an officer of the division's office, or of one above it."""
    someone = settings.person(id=person)
    return someone is not None and any(division.startswith(below(office)) for office in someone.offices)


def colleagues(settings: Settings, person: str, division: str) -> list[Person]:
    """The others who are officers for this division, by their ids."""
    return [
        colleague
        for colleague in settings.people
        if colleague.id != person and may_review(settings, colleague.id, division)
    ]


def offices_of(settings: Settings, person: str) -> tuple[str, ...]:
    """The divisions for which this person is an officer; Halt where there is none."""
    someone = settings.person(id=person)
    if someone is None or not someone.offices:
        msg = f"{person} is no officer of any office in the settings"
        raise Halt(msg, zh=f"{person} 未登记为任何单位的核实民警")
    return someone.offices


def check_officer(settings: Settings, person: str, division: str) -> None:
    """Halt unless this person is an officer of the division's office, or of one above it."""
    offices_of(settings, person)
    if not may_review(settings, person, division):
        msg = f"{person} is no officer for {division}"
        raise Halt(msg, zh=f"{person} 不是 {division} 的核实民警")


def check_officer_or_leader(settings: Settings, person: str) -> None:
    """Halt unless this person is some office's officer or a leader."""
    if not is_leader(settings, person):
        offices_of(settings, person)


def check_discloser(settings: Settings, person: str) -> None:
    """Halt unless this person may ask who was told about somebody."""
    someone = settings.person(id=person)
    if someone is None or PersonRole.DISCLOSER not in someone.roles:
        msg = f"{person} may not ask who was told about a person; the settings name who may (discloser)"
        raise Halt(msg, zh=f"{person} 无权查询告知记录；有权者由设置写明（discloser）")


def check_leader(settings: Settings, person: str) -> None:
    """Halt unless this person is a leader."""
    if not is_leader(settings, person):
        msg = f"{person} is no leader in the settings; only a leader approves, returns or extends"
        raise Halt(msg, zh=f"{person} 未登记为审批领导，只有领导可审批、退回、延期")


def who(settings: Settings, actor: str | None) -> str:
    """A person's name beside the id; other actors as they stand in the register."""
    person = settings.person(id=actor) if actor else None
    return f"{person.zh}（{person.id}）" if person else actor or ""


def with_names(settings: Settings, message: str) -> str:
    """The message with the names of the people who work here beside their ids."""
    ids = sorted((re.escape(person.id) for person in settings.people), key=len, reverse=True)
    if not ids:
        return message
    return re.sub(rf"(?<![\w.-])(?:{'|'.join(ids)})(?![\w-]|\.\w)", lambda match: who(settings, match[0]), message)
