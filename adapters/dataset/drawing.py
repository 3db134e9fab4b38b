"""Draws a plot as SVG, in the colours of the page that it stands in.

Ours, as a plotting library takes longer to be imported than 100,000 messages do, and its letters
shrink with the picture on a phone. Elements are built, never pasted together: whatever people
have written is escaped by the library that writes them out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree.ElementTree import Element, SubElement

WIDTH, HEIGHT = 400, 220
LEFT, RIGHT, TOP, BOTTOM = 40, 8, 10, 42
LINE = 22
"""What a lying bar takes, or two beside each other."""
LETTER = 7
"""What a letter takes, about."""
MAX_NAME = 170
"""Room for what lying bars are called."""
TICKS = 5


@dataclass(frozen=True)
class Series:
    side: Literal["persona", "others", "plain"]
    name: str
    values: Sequence[float]


@dataclass(frozen=True)
class Plot:
    """What there is to see, for a page as well as for a terminal."""

    title: str
    says: str
    """What one sees, in a sentence."""
    x: str
    """What the bars stand for, and in which unit."""
    y: str
    """What their height is, and in which unit."""
    labels: Sequence[str]
    series: Sequence[Series]
    lying: bool = False
    """Whether bars lie below each other, for labels that are names."""
    stacked: bool = False
    mark: tuple[int, str] | None = None
    """At the beginning of which bar a line is drawn, and what it says."""


def element(tag: str, *inside: Element | str, **attributes: object) -> Element:
    """One of HTML or SVG; `class_` is class, and stroke_width is stroke-width."""
    made = Element(
        tag,
        {name.rstrip("_").replace("_", "-"): _said(value) for name, value in attributes.items()},
    )
    for part in inside:
        if isinstance(part, Element):
            made.append(part)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + part
        else:
            made.text = (made.text or "") + part
    return made


def _said(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def svg(plot: Plot) -> Element:
    """A picture that is as wide as there is room."""
    height = TOP + LINE * len(plot.labels) + BOTTOM if plot.lying else HEIGHT
    drawn = element(
        "svg",
        viewBox=f"0 0 {WIDTH} {height}",
        role="img",
        aria_label=f"{plot.title}. {plot.says}",
    )
    drawn.extend(_lying(plot, height) if plot.lying else _standing(plot))
    return drawn


def _standing(plot: Plot) -> Iterator[Element]:
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    foot = TOP + high
    ticks = ticked(_most(plot))
    for tick in ticks:
        y = foot - high * tick / ticks[-1]
        yield element("line", class_="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y)
        yield element("text", short(tick), class_="end", x=LEFT - 5, y=y + 4)
    step = wide / len(plot.labels)
    for place, boxes in enumerate(_boxes(plot, step)):
        for series, begin, end, left, width in boxes:
            yield _bar(
                plot, series, place,
                x=LEFT + place * step + left, y=foot - high * end / ticks[-1],
                width=width, height=high * (end - begin) / ticks[-1],
            )  # fmt: skip
    every = -(-int(max(map(len, plot.labels)) * LETTER + 6) // max(1, int(step)))
    for place, label in enumerate(plot.labels):
        if place % every == 0 and (place == 0 or place + every / 2 < len(plot.labels)):
            yield element("text", label, class_="mid", x=LEFT + (place + 0.5) * step, y=foot + 17)
    yield element("text", plot.x, class_="mid axis", x=LEFT + wide / 2, y=HEIGHT - 6)
    if plot.mark:
        x = LEFT + plot.mark[0] * step
        yield element("line", class_="mark", x1=x, x2=x, y1=TOP, y2=foot)
        yield element("text", plot.mark[1], class_="end axis", x=x - 4, y=TOP + 9)


def _lying(plot: Plot, height: int) -> Iterator[Element]:
    begin_x = min(MAX_NAME, 24 + LETTER * max(map(len, plot.labels)))
    wide, foot = WIDTH - begin_x - RIGHT, height - BOTTOM
    ticks = ticked(_most(plot))
    for tick in ticks:
        x = begin_x + wide * tick / ticks[-1]
        yield element("line", class_="grid", x1=x, x2=x, y1=TOP, y2=foot)
        anchor = "end" if tick == ticks[-1] else "mid"
        yield element("text", short(tick), class_=anchor, x=x, y=foot + 17)
    for place, boxes in enumerate(_boxes(plot, LINE)):
        for series, begin, end, top, width in boxes:
            yield _bar(
                plot, series, place,
                x=begin_x + wide * begin / ticks[-1], y=TOP + place * LINE + top,
                width=wide * (end - begin) / ticks[-1], height=width,
            )  # fmt: skip
        label = plot.labels[place]
        room = (begin_x - 8) // LETTER
        name = label if len(label) <= room else label[: room - 1] + "…"
        yield element("text", name, class_="end", x=begin_x - 6, y=TOP + (place + 0.5) * LINE + 4)
    yield element("text", plot.y, class_="mid axis", x=begin_x + wide / 2, y=height - 6)


def _boxes(plot: Plot, step: float) -> Iterator[list[tuple[Series, float, float, float, float]]]:
    """For each label (series, begins, ends, distance from the step's edge, thickness)."""
    gap = step * (0.1 if step < 12 else 0.18)
    room = step - 2 * gap
    each = room if plot.stacked else room / len(plot.series)
    for place in range(len(plot.labels)):
        begin, boxes = 0.0, []
        for number, series in enumerate(plot.series):
            value = series.values[place]
            if plot.stacked:
                boxes.append((series, begin, begin + value, gap, each))
                begin += value
            else:
                boxes.append((series, 0.0, value, gap + number * each, each))
        yield boxes


def _bar(plot: Plot, series: Series, place: int, **where: float) -> Element:
    drawn = element("rect", class_=series.side, **where)
    named = f"{series.name}, " if len(plot.series) > 1 else ""
    told = SubElement(drawn, "title")
    told.text = f"{plot.labels[place]}: {named}{short(series.values[place])} {plot.y}"
    return drawn


def _most(plot: Plot) -> float:
    if plot.stacked:
        return max(map(sum, zip(*(series.values for series in plot.series), strict=True)))
    return max(value for series in plot.series for value in series.values)


def ticked(most: float) -> list[float]:
    """Round numbers from 0, few, the last not below the most; whole ones where that is one."""
    size = 1 if isinstance(most, int) else 0.01
    while size * 10 * TICKS < most:
        size *= 10
    step = next(size * n for n in (1, 2, 5, 10) if size * n * TICKS >= most)
    return [step * n for n in range(max(1, int(-(-most // step))) + 1)]


def short(value: float) -> str:
    """A number that is read at a glance."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= 10 * size or (value >= size and value % (size / 10) == 0):
            return f"{value / size:.3g}{letter}"
    return f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"
