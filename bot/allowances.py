"""Who may use how much: the owner's settings, and what the administrators of a server changed.

Knows numbers and precedence; knows no Redis, and nothing of what was used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from math import inf

WHOLE_SERVER = "server"
"""Whom an override is for: all people of a server together."""
EVERYBODY = "everybody"
"""… each person there whom no other override names."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one person, or one server as a whole, may use; 0 is no limit."""

    messages_per_minute: int = 0
    tokens_per_day: int = 0

    @property
    def unlimited(self) -> bool:
        return not (self.messages_per_minute or self.tokens_per_day)


NUMBERS = tuple(field.name for field in fields(Allowance))


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the administrators of one server set, by subject and number.

    A subject is a role ("discord:role:5"), a person ("discord:42"), EVERYBODY or WHOLE_SERVER.
    """

    numbers: Mapping[tuple[str, str], int]

    def person(self, owners: Allowance, author_id: str, roles: Iterable[str]) -> Allowance:
        """A person's own number wins, then the most generous of the roles', EVERYBODY's, owner's.

        Each number goes its own way: a role may change one of them and leave the other.
        """
        of_roles = tuple(roles)

        def number(name: str) -> int:
            by_role = [n for role in of_roles if (n := self.numbers.get((role, name))) is not None]
            ranks = (
                self.numbers.get((author_id, name)),
                max(by_role, key=_generosity, default=None),
                self.numbers.get((EVERYBODY, name)),
            )
            return next((n for n in ranks if n is not None), getattr(owners, name))

        return Allowance(*map(number, NUMBERS))

    def server(self, owners: Allowance) -> Allowance:
        """The stricter number of both: who only manages a server can't raise the owner's bound."""

        def number(name: str) -> int:
            owned: int = getattr(owners, name)
            return min(owned, self.numbers.get((WHOLE_SERVER, name), owned), key=_generosity)

        return Allowance(*map(number, NUMBERS))

    def subjects(self) -> dict[str, dict[str, int]]:
        """The numbers set, subject by subject."""
        by_subject: dict[str, dict[str, int]] = {}
        for (subject, name), number in sorted(self.numbers.items()):
            by_subject.setdefault(subject, {})[name] = number
        return by_subject


NONE_SET = Overrides({})


def _generosity(number: int) -> float:
    return number or inf
