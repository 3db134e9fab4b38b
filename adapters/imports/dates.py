"""Which number of a date is the day: decided over all dates of a file, never line by line.

Knows nothing of lines or messages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

FIELDS = re.compile(r"\d+")
ORDERS = ("dmy", "mdy", "ymd", "ydm", "myd", "dym")
"""Likeliest first: what decides nothing else is read day first."""
FIRST_YEAR, LAST_YEAR = 2009, 2040
"""WhatsApp began in 2009; a reading outside of these years is a worse one, and better than none:
other chats are older."""
LAST_SHORT_YEAR = 68
"""Of two digits in this century, as strptime has it."""
CERTAIN, BY_TIME, ASSUMED, ASKED = (
    "no other order fits as many dates",
    "the order in which time runs best",
    "assumed: the dates fit another order as well; check it, or say the order yourself",
    "as asked",
)

Fields = tuple[int, int, int]
Shape = tuple[str, int]
"""Separator, and which field is a four-digit year (-1: none)."""


def fields(text: str) -> Fields:
    first, second, third = FIELDS.findall(text)
    return int(first), int(second), int(third)


def shape(text: str) -> Shape:
    widths = [len(part) for part in FIELDS.findall(text)]
    return text[widths[0]], widths.index(4) if 4 in widths else -1


def as_date(numbers: Fields, order: str) -> date | None:
    """The date that three numbers mean in that order, or None."""
    named = dict(zip(order, numbers, strict=True))
    year = named["y"]
    if year <= 99:
        year += 2000 if year <= LAST_SHORT_YEAR else 1900
    try:
        return date(year, named["m"], named["d"])
    except ValueError:
        return None


@dataclass(frozen=True)
class Decision:
    orders: dict[Shape, str]
    names: tuple[str, ...]
    """The orders found, the most used first."""
    reason: str

    def date(self, text: str) -> date | None:
        order = self.orders.get(shape(text))
        return as_date(fields(text), order) if order else None


def decide(uses: dict[str, int], asked: str | None = None) -> Decision:
    """The order of every shape of date in a file.

    `uses` counts (date as written, separator), in the order of first appearance.
    """
    seen: dict[Shape, dict[Fields, int]] = {}
    for text, count in uses.items():
        dates = seen.setdefault(shape(text), {})
        dates[fields(text)] = dates.get(fields(text), 0) + count
    verdicts = {shape_: _verdict(shape_, dates, asked) for shape_, dates in seen.items()}
    by_use = sorted(seen, key=lambda shape_: -sum(seen[shape_].values()))
    return Decision(
        orders={shape_: order for shape_, (order, _) in verdicts.items()},
        names=tuple(dict.fromkeys(verdicts[shape_][0] for shape_ in by_use)),
        reason=verdicts[by_use[0]][1] if by_use else ASSUMED,
    )


def _verdict(shape_: Shape, dates: dict[Fields, int], asked: str | None) -> tuple[str, str]:
    _, year_at = shape_
    possible = [o for o in ORDERS if (o.index("y") == year_at if year_at >= 0 else o[1] != "y")]
    if asked in possible:
        return asked, ASKED
    scores = {order: _score(dates, order) for order in possible}
    best = min(possible, key=lambda order: scores[order])
    rivals = [scores[order] for order in possible if order != best]
    if all(rival[0] > scores[best][0] for rival in rivals):
        return best, CERTAIN
    if all(rival[:2] > scores[best][:2] for rival in rivals):
        return best, BY_TIME
    return best, ASSUMED


def _score(dates: dict[Fields, int], order: str) -> tuple[int, int, int]:
    """How badly an order reads: (dates that are impossible, twice, or unlikely; steps back in time;
    days from end to end)."""
    read = [as_date(numbers, order) for numbers in dates]
    days = [day for day in read if day]
    bad = sum(not FIRST_YEAR <= day.year <= LAST_YEAR if day else 2 for day in read)
    back = sum(later < earlier for earlier, later in pairwise(days))
    return bad, back, (max(days) - min(days)).days if days else 0
