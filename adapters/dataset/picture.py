"""A report's plots as lines of a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group
from rich.text import Text

from .drawing import Plot, short

STEPS = " ▁▂▃▄▅▆▇█"
MAX_NAMED, MAX_BARS = 8, 50


def picture(plots: Iterable[Plot]) -> Group:
    """Each plot's title and sentence above its bars, or what lies highest in it."""
    return Group(*(line for plot in plots for line in _lines(plot)))


def _lines(plot: Plot) -> list[Text]:
    told = Text.assemble("\n", (plot.title, "bold"), f"  {plot.says}")
    return [told, Text(_named(plot) if plot.lying else _bars(plot), style="cyan")]


def _named(plot: Plot) -> str:
    values = plot.series[0].values
    named = [f"{label} {short(value)}" for label, value in zip(plot.labels, values, strict=True)]
    return " · ".join(named[:MAX_NAMED])


def _bars(plot: Plot) -> str:
    return (
        f"{plot.labels[0]} ▕{sparks(_fitting(plot.series[0].values))}▏ {plot.labels[-1]} ({plot.x})"
    )


def _fitting(values: Sequence[float]) -> list[float]:
    """As many as a line has room for: the highest of every few."""
    wide = -(-len(values) // MAX_BARS)
    return [max(values[at : at + wide]) for at in range(0, len(values), wide)]


def sparks(values: Sequence[float]) -> str:
    """A step for each value; what is more than nothing is seen."""
    most = max(values) or 1
    highest = len(STEPS) - 1
    return "".join(STEPS[-int(-value * highest // most)] for value in values)
