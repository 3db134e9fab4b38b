"""What was measured, as a median with its interval, and whether that is what was promised.

Pairs are compared pair by pair. The interval is that of the median by order statistics (a sign
test turned round): it assumes nothing of how the measurements are spread.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.table import Table

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Interval:
        """The median and its 95% interval; of fewer than 6 values the whole range."""
        ordered, n = sorted(values), len(values)
        below, outside = 0, 0.0
        while (outside := outside + math.comb(n, below) / 2**n) <= (1 - CONFIDENCE) / 2:
            below += 1
        first = max(below - 1, 0)
        return cls(statistics.median(ordered), ordered[first], ordered[n - 1 - first])

    def shown(self, form: str) -> str:
        return f"{self.low:{form}} … {self.high:{form}}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of a table. `met` is None where nothing was promised."""

    what: str
    ours: str
    other: str
    compared: str
    interval: str
    target: str = ""
    met: bool | None = None


def ratio(
    what: str,
    ours: Sequence[float],
    other: Sequence[float],
    form: Callable[[float], str],
    target: str = "",
    promised: Callable[[Interval], bool] | None = None,
) -> Figure:
    """Two sides measured in pairs, compared as ours / other."""
    interval = Interval.of([a / b for a, b in zip(ours, other, strict=True)])
    return Figure(
        what, form(statistics.median(ours)), form(statistics.median(other)),
        f"{interval.median:.3f}", interval.shown(".3f"), target,
        promised(interval) if promised else None,
    )  # fmt: skip


def difference_ms(
    what: str,
    ours: Sequence[float],
    other: Sequence[float],
    target: str = "",
    promised: Callable[[Interval], bool] | None = None,
) -> Figure:
    """Two sides measured in pairs of seconds, compared as ours - other, in milliseconds."""
    pairs = zip(ours, other, strict=True)
    interval = Interval.of([(a - b) * 1000 for a, b in pairs])
    return Figure(
        what, ms(statistics.median(ours)), ms(statistics.median(other)),
        f"{interval.median:+.2f} ms", interval.shown("+.2f"), target,
        promised(interval) if promised else None,
    )  # fmt: skip


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"


def table(title: str, other: str, compared: str, figures: Sequence[Figure]) -> Table:
    drawn = Table("what", "ours", other, compared, "95% interval", "target", "met?", title=title)
    for figure in figures:
        met = {None: "", True: "[green]yes[/]", False: "[bold red]MISSED[/]"}[figure.met]
        drawn.add_row(
            figure.what, figure.ours, figure.other, figure.compared, figure.interval,
            figure.target, met,
        )  # fmt: skip
    return drawn
