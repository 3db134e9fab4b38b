"""A stretch of years, months or days: who somebody was then."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.errors import BadRequest

DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")


@dataclass(frozen=True, slots=True)
class Era:
    """From the beginning of `since` to the end of `until`, as an export's own clock shows it."""

    since: str | None = None
    until: str | None = None
    first: datetime = datetime.min
    beyond: datetime = datetime.max

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
