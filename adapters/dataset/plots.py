"""What a report's figures look like: one function for each plot, each with its sentence.

A further plot is a further function in PLOTS: page and terminal draw whatever is there. Knows
nothing of SVG.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from .drawing import Plot, Series
from .figures import BURSTS, LENGTHS, Figures, Sides
from .report import ImportReport

MINUTE_S, HOUR_S = 60, 3600
DOUBTFUL = 0.05
"""So many shuffles that can be cut as well make a change of style doubtful."""
WAITED = ("<1", "1–2", "2–5", "5–10", "10–30", "30–60", "1–3 h", "3–6 h")
"""What DELAYS_S are called."""


def plots(report: ImportReport) -> Iterator[Plot]:
    """All that can be drawn of it."""
    if report.figures:
        for made in PLOTS:
            if plot := made(report, report.figures):
                yield plot


def over_time(report: ImportReport, figures: Figures) -> Plot | None:
    counts = figures.over_time
    if not any(counts.persona):
        return None
    labels = [_period(begin, figures.unit) for begin in figures.periods]
    most = max(range(len(labels)), key=lambda place: counts.persona[place])
    who = report.display_name
    says = f"{who} wrote most in {labels[most]}: {counts.persona[most]:,} messages."
    mark = None
    if figures.held_out_from is not None:
        says += f" The latest, from {labels[figures.held_out_from]} on, are held out."
        mark = (figures.held_out_from, "held out →")
    return Plot(
        "Messages over time", says, f"time, by {figures.unit}", "messages", labels,
        _series(report, counts), stacked=True, mark=mark,
    )  # fmt: skip


def with_whom(report: ImportReport, figures: Figures) -> Plot | None:
    if not figures.people:
        return None
    names, messages = zip(*figures.people, strict=True)
    says = f"{names[0]} wrote most of those that {report.display_name} talks with."
    if len(names) == 1 and not figures.more_people:
        says = f"{report.display_name} talks with {names[0]}."
    if figures.more_people:
        says += f" {figures.more_people:,} more people are not shown."
    return Plot(
        "Who with", says, "person", "messages", names, [Series("others", "others", messages)],
        lying=True,
    )  # fmt: skip


def lengths(report: ImportReport, figures: Figures) -> Plot | None:
    return _ranges(
        report, figures.lengths, "Lengths", "characters in a message", _between(LENGTHS),
        lambda who, half: f"Half of {who} messages have at most {half:,} characters",
    )  # fmt: skip


def bursts(report: ImportReport, figures: Figures) -> Plot | None:
    counts = figures.bursts.persona
    plot = _ranges(
        report, figures.bursts, "Bursts", "messages in a row", _between(BURSTS), lambda *_: ""
    )
    if not plot or not figures.answered:
        return None
    several = sum(counts[1:]) / sum(counts)
    says = f"{several:.0%} of the times that {report.display_name} speaks it is in several messages"
    others = figures.bursts.others
    if any(others):
        says += f"; the others do so {sum(others[1:]) / sum(others):.0%} of the time"
    return Plot(plot.title, f"{says}.", plot.x, "% of the times", plot.labels, plot.series)


def delays(report: ImportReport, figures: Figures) -> Plot | None:
    found = figures.delays.persona_quartiles
    if not found:
        return None
    says = (
        f"Half of the answers come {_within(found.median)}, a quarter {_within(found.lower)} "
        f"and a quarter only after {_time(found.upper)}. Six hours of silence end a conversation."
    )
    return Plot(
        "Delays", says, f"minutes until {report.display_name} answers", "% of answers", WAITED,
        [Series("persona", report.display_name, _shares(figures.delays.persona))],
    )  # fmt: skip


def hours(report: ImportReport, figures: Figures) -> Plot | None:
    counts = figures.hours.persona
    if not figures.answered:  # writing has days, if anything
        return None
    begin = max(range(24), key=lambda hour: sum(counts[(hour + n) % 24] for n in range(4)))
    share = sum(counts[(begin + n) % 24] for n in range(4)) / sum(counts)
    clock = "UTC" if figures.utc else "as the export's clock shows it"
    says = (
        f"{share:.0%} of {_whose(report)} messages are written between {begin}:00 and "
        f"{(begin + 4) % 24}:00 ({clock})."
    )
    return Plot(
        "Hours", says, "hour of the day", "% of messages", [str(hour) for hour in range(24)],
        _shared(report, figures.hours),
    )  # fmt: skip


def emoji(report: ImportReport, figures: Figures) -> Plot | None:
    found = figures.vocabulary.emoji if figures.vocabulary else ()
    if not found:
        return None
    pictures, times = zip(*found, strict=True)
    says = f"{report.display_name} uses {pictures[0]} most, {times[0]:,} times{_sampled(figures)}."
    return Plot(
        "Emoji", says, "emoji", "times", pictures,
        [Series("persona", report.display_name, times)], lying=True,
    )  # fmt: skip


def vocabulary(report: ImportReport, figures: Figures) -> Plot | None:
    found = figures.vocabulary.words if figures.vocabulary else ()
    if not found:
        return None
    says = (
        f"What {report.display_name} says more often than others do, the surest "
        f"first{_sampled(figures)}."
    )
    return Plot(
        "Vocabulary", says, "word", "times in a thousand words", [one.word for one in found],
        [
            Series("persona", report.display_name, [one.persona for one in found]),
            Series("others", "others", [one.others for one in found]),
        ],
        lying=True,
    )  # fmt: skip


def left_out(report: ImportReport, _: Figures) -> Plot | None:
    if not report.cleaned:
        return None
    ranked = sorted(report.cleaned.items(), key=lambda one: (-one[1], one[0]))
    rules, messages = zip(*ranked, strict=True)
    whole = sum(report.speakers.values())
    says = f"{sum(messages):,} of {whole:,} messages; the most frequent reason is “{rules[0]}”."
    return Plot(
        "Left out", says, "rule", "messages", rules, [Series("plain", "left out", messages)],
        lying=True,
    )  # fmt: skip


def change_of_style(report: ImportReport, _: Figures) -> Plot | None:
    if not (eras := report.eras):
        return None
    cuts = " and ".join(f"{begin:%Y-%m-%d}" for begin in eras.begin)
    says = (
        f"Cut at {cuts}: that explains {eras.explained:.0%} of all differences in words and marks. "
        f"Shuffled in time, {eras.chance:.0%} of tries could be cut as well"
        + (", so this may be chance." if eras.chance > DOUBTFUL else ".")
    )
    labels = [f"{day:%Y-%m}" for day in eras.stretches]
    explained = [round(100 * share, 1) for share in eras.change]
    return Plot(
        "Eras", says, "time", "% that one cut there explains", labels,
        [Series("plain", "explained", explained)],
        mark=(eras.stretches.index(eras.begin[0]), "cut →"),
    )  # fmt: skip


def marks_of_style(report: ImportReport, _: Figures) -> Plot | None:
    """This era beside the others."""
    if not (eras := report.eras):
        return None
    inside = [eras.number_of(day) == report.era for day in eras.stretches]
    mine = {name: eras.mean(shares, inside) for name, shares in eras.marks.items()}
    rest = [not here for here in inside]
    theirs = {name: eras.mean(shares, rest) for name, shares in eras.marks.items()}
    says = (
        f"{eras.mean(eras.words, inside):.1f} words a message in this era, "
        f"{eras.mean(eras.words, rest):.1f} in the rest of the life."
    )
    return Plot(
        "Style", says, "messages that …", "% of messages", list(eras.marks),
        [
            Series("persona", "this era", [round(100 * share, 1) for share in mine.values()]),
            Series("others", "the rest", [round(100 * share, 1) for share in theirs.values()]),
        ],
        lying=True,
    )  # fmt: skip


PLOTS: Sequence[Callable[[ImportReport, Figures], Plot | None]] = (
    over_time, change_of_style, marks_of_style, with_whom, lengths, bursts, delays, hours, emoji,
    vocabulary, left_out,
)  # fmt: skip


def _ranges(
    report: ImportReport,
    sides: Sides,
    title: str,
    x: str,
    labels: Sequence[str],
    half: Callable[[str, int], str],
) -> Plot | None:
    mine, theirs = sides.persona_quartiles, sides.others_quartiles
    if not mine:
        return None
    says = half(_whose(report), mine.median)
    if theirs:
        says += f"; of the others' at most {theirs.median:,}"
    return Plot(title, f"{says}.", x, "% of messages", labels, _shared(report, sides))


def _series(report: ImportReport, sides: Sides) -> list[Series]:
    made = [Series("persona", report.display_name, sides.persona)]
    return made + [Series("others", "others", sides.others)] * any(sides.others)


def _shared(report: ImportReport, sides: Sides) -> list[Series]:
    return [
        Series(series.side, series.name, _shares(series.values))
        for series in _series(report, sides)
    ]


def _shares(counts: Sequence[float]) -> list[float]:
    whole = sum(counts) or 1
    return [round(100 * count / whole, 1) for count in counts]


def _between(begins: Sequence[int]) -> list[str]:
    """What ranges are called: 1, 2–5, 6+."""
    inner = [str(low) if high == low + 1 else f"{low}–{high - 1}" for low, high in pairwise(begins)]
    return [*inner, f"{begins[-1]}+"]


def _period(begin: str, unit: str) -> str:
    year, month, _ = begin.split("-")
    if unit == "month":
        return f"{year}-{month}"
    if unit == "quarter":
        return f"{year} Q{(int(month) + 2) // 3}"
    return begin if unit in ("day", "week") else year


def _whose(report: ImportReport) -> str:
    return f"{report.display_name}'s"


def _within(seconds: int) -> str:
    return "within the same minute" if seconds < MINUTE_S else f"within {_time(seconds)}"


def _time(seconds: int) -> str:
    if seconds < MINUTE_S:
        return "a minute"
    if seconds < HOUR_S:
        minutes = round(seconds / MINUTE_S)
        return "a minute" if minutes == 1 else f"{minutes} minutes"
    hours = round(seconds / HOUR_S, 1)
    return "an hour" if hours == 1 else f"{hours:g} hours"


def _sampled(figures: Figures) -> str:
    chosen = figures.vocabulary and figures.vocabulary.sampled
    return ", in a sample of the rows" if chosen else ""
