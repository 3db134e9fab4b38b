"""Times in the cells of a table, however they are written: which number of a date is the day is
decided over the whole column, never line by line.

Knows nothing of messages.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, time

from adapters.errors import BadRequest

from . import dates
from .moments import epoch, iso

NUMERIC = re.compile(
    r"(\d{1,4}([./-])\d{1,2}\2\d{1,4})\.?(?:[,\sT]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?"
    r"\s*(?:([ap])\.?\s?m\.?)?)?",
    re.IGNORECASE,
)
WORDY = ("%d-%b-%y %I:%M %p", "%d %b %Y %H:%M", "%b %d, %Y %I:%M:%S %p", "%a, %d %b %Y %H:%M:%S %z")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
MAX_DATES = 100_000
MAX_WORDY_CHARACTERS = 40


class Calendar:
    """Reads the times of one column after a look at all of them."""

    def __init__(
        self, cells: Iterable[str], date_order: str | None = None, time_format: str | None = None
    ) -> None:
        if date_order and date_order not in dates.ORDERS:
            known = ", ".join(dates.ORDERS)
            raise BadRequest(f"there is no date order {date_order!r}; choose one of {known}")
        self._format = time_format
        uses: Counter[str] = Counter()
        for cell in () if time_format else cells:
            found = NUMERIC.fullmatch(cell.strip())
            if found and iso(cell) is None and len(uses) < MAX_DATES:
                uses[found[1]] += 1
        self._decision = dates.decide(uses, date_order) if uses else None

    @property
    def order(self) -> tuple[str, str] | None:
        """(how dates were read, why), where there was something to decide."""
        return (
            (" and ".join(self._decision.names), self._decision.reason) if self._decision else None
        )

    def at(self, cell: str) -> datetime | None:
        cell = cell.strip()
        if self._format:
            return _strptime(cell, self._format)
        if NUMBER.fullmatch(cell):
            return epoch(cell)
        return iso(cell) or self._numeric(cell) or _wordy(cell)

    def _numeric(self, cell: str) -> datetime | None:
        found = NUMERIC.fullmatch(cell)
        if not found or self._decision is None:
            return None
        day = self._decision.date(found[1])
        hour, minute, second = (int(part or 0) for part in found.group(3, 4, 5))
        if half := found[6]:
            hour = hour % 12 + (12 if half in "pP" else 0)
        try:
            return datetime.combine(day, time(hour, minute, second)) if day else None
        except ValueError:
            return None


def _wordy(cell: str) -> datetime | None:
    if not cell[:1].isalnum() or len(cell) > MAX_WORDY_CHARACTERS:
        return None
    return next((at for written in WORDY if (at := _strptime(cell, written))), None)


def _strptime(cell: str, written: str) -> datetime | None:
    try:
        return datetime.strptime(cell, written)
    except ValueError:
        return None
