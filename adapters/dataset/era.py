"""A stretch of years, months or days: who somebody was then.

Knows nothing of how the eras of a life are found.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from adapters.errors import BadRequest

DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")


@dataclass(frozen=True)
class Eras:
    """Where a life of messages is cut."""

    begin: tuple[date, ...]
    """The first day of each era but the first."""
    explained: float
    """Share of all differences between stretches that is between eras, 0 to 1."""
    chance: float
    """Share of shuffles of the same stretches that could be cut as well: near 0 where style does
    change in the course of time."""
    stretches: tuple[date, ...]
    """The first day of each."""
    messages: tuple[int, ...]
    """By stretch."""
    words: tuple[float, ...]
    """Words a message, by stretch."""
    marks: dict[str, tuple[float, ...]]
    """Shares of messages, by stretch."""
    change: tuple[float, ...]
    """What one single cut before each stretch would explain, 0 to 1."""

    @property
    def spans(self) -> list[tuple[date | None, date | None]]:
        """(first day, last day) of each era; None at the ends."""
        begins: list[date | None] = [None, *self.begin]
        ends: list[date | None] = [day - timedelta(days=1) for day in self.begin]
        return list(zip(begins, [*ends, None], strict=True))

    def number_of(self, day: date) -> int:
        """Which era a day lies in, from 1."""
        return 1 + sum(begin <= day for begin in self.begin)

    def mean(self, values: Sequence[float], chosen: Sequence[bool]) -> float:
        """Over all messages of the stretches chosen; 0 where there are none."""
        weights = [n * one for n, one in zip(self.messages, chosen, strict=True)]
        weighed = sum(n * value for n, value in zip(weights, values, strict=True))
        return weighed / (sum(weights) or 1)


@dataclass(frozen=True, slots=True)
class Era:
    """From the beginning of `since` to the end of `until`, as an export's own clock shows it."""

    since: str | None = None
    until: str | None = None
    first: datetime = datetime.min
    beyond: datetime = datetime.max
    of_life: Eras | None = None
    """The cuts that it lies between, where it was found by them."""
    number: int = 0
    """Which of those eras it is, from 1."""

    @classmethod
    def of(cls, since: str | None, until: str | None) -> Era:
        """Of dates such as 2013, 2013-05 or 2013-05-17. Raises BadRequest."""
        first = _span(since)[0] if since else datetime.min
        beyond = _span(until)[1] if until else datetime.max
        if first >= beyond:
            raise BadRequest(f"nothing is from {since} and until {until}: turn them round")
        return cls(since, until, first, beyond)

    def __bool__(self) -> bool:
        return bool(self.since or self.until)

    def holds(self, at: datetime) -> bool:
        return self.first <= at.replace(tzinfo=None) < self.beyond


def _span(date: str) -> tuple[datetime, datetime]:
    """When it begins, and when what follows does."""
    if found := DATE.fullmatch(date.strip()):
        year, month, day = (int(part) if part else None for part in found.groups())
        try:
            first = datetime(year or 0, month or 1, day or 1)
            if day:
                return first, first + timedelta(days=1)
            if month:
                return first, (first + timedelta(days=31)).replace(day=1)
            return first, datetime(first.year + 1, 1, 1)
        except (ValueError, OverflowError):
            pass
    raise BadRequest(f"{date!r} is no date; write 2013, 2013-05 or 2013-05-17")
