"""Times as exports write them: ISO 8601, seconds or milliseconds since 1970, and their zone.

Knows nothing of messages.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

UNITS = ((1e17, 10**9), (1e14, 10**6), (1e11, 10**3))
"""(from here on, parts of a second): nobody chatted before 1973 or will after 5138."""


def iso(text: Any) -> datetime | None:
    """2023-05-01T12:01:00, with or without a zone or parts of a second."""
    try:
        return datetime.fromisoformat(text.strip()) if isinstance(text, str) else None
    except ValueError:
        return None


def utc(text: Any) -> datetime | None:
    """ISO 8601 where a time without a zone is one of Greenwich."""
    at = iso(text)
    return at.replace(tzinfo=UTC) if at and at.tzinfo is None else at


def epoch(value: Any) -> datetime | None:
    """Since 1970, in whatever part of a second the size of the number shows."""
    try:
        number = float(value)
        # Whole numbers stay whole: a float of nanoseconds would lose the microseconds.
        exact = int(value) if number == int(number) else number
        parts = next((parts for least, parts in UNITS if abs(number) >= least), 1)
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=exact * 10**6 // parts)
    except (TypeError, ValueError, OverflowError):
        return None


def zoned(wall: datetime | None, instant: datetime | None) -> datetime | None:
    """The time on the wall, with the zone that the same instant elsewhere tells."""
    if wall is None or instant is None or wall.tzinfo is not None:
        return wall or instant
    ahead = wall - instant.replace(tzinfo=None)
    minutes = round(ahead / timedelta(minutes=1))
    if abs(minutes) > 15 * 60 or abs(ahead - timedelta(minutes=minutes)) > timedelta(seconds=2):
        return wall
    return wall.replace(tzinfo=timezone(timedelta(minutes=minutes)))


class Clock:
    """Makes the times of one export comparable: all with a zone, or all without."""

    def __init__(self) -> None:
        self._zone: tzinfo | None = None
        self._begun = False

    def alike(self, at: datetime) -> datetime:
        if not self._begun:
            self._zone, self._begun = at.tzinfo, True
        if self._zone is None:
            return at.replace(tzinfo=None)
        if at.tzinfo is None:
            return at.replace(tzinfo=self._zone)
        self._zone = at.tzinfo
        return at
