"""What a chat looks like in numbers: when, how much, how long, how quickly.

Learned from the messages on their way into rows, in memory that does not grow with them. Holds
no word of anybody; knows nothing of how it is drawn.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from .vocabulary import Vocabulary

if TYPE_CHECKING:
    from .doubles import Said
    from .scratch import Session

MAX_PERIODS = 60
MAX_LISTED = 12
"""People of whom it is said how much they wrote."""
LENGTHS = (0, 6, 11, 21, 41, 81, 161)
"""Where each range of lengths begins, in characters."""
BURSTS = (1, 2, 3, 4, 5, 6, 11)
DELAYS_S = (0, 60, 120, 300, 600, 1800, 3600, 3 * 3600)
LONGEST, LONGEST_BURST, LONGEST_DELAY_S = 1_001, 257, 6 * 3600
"""What is more is counted as so much."""
EPOCH, BEYOND = datetime(1970, 1, 1), 1 << 62
PERSONA, OTHERS = True, False


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Quartiles(Frozen):
    lower: int
    median: int
    upper: int


class Sides(Frozen):
    """How many of the persona's fall into each range, and how many of everybody else's."""

    persona: tuple[int, ...]
    others: tuple[int, ...] = ()
    """Empty where that is not told any more."""
    persona_quartiles: Quartiles | None = None
    others_quartiles: Quartiles | None = None

    def alone(self) -> Sides:
        return self.model_copy(update={"others": (), "others_quartiles": None})


class Figures(Frozen):
    unit: str
    """What a period is, such as "month" or "10 years"."""
    periods: tuple[str, ...]
    """The day on which each begins."""
    over_time: Sides
    held_out_from: int | None
    """The period in which what is held out begins."""
    utc: bool
    """Whether hours are those of UTC, as the export has zones, or of a clock on the wall."""
    hours: Sides
    lengths: Sides
    """In characters, by LENGTHS."""
    bursts: Sides
    """Messages in a row, by BURSTS."""
    delays: Sides
    """Seconds until the persona answers, by DELAYS_S."""
    people: tuple[tuple[str, int], ...]
    """The messages of others by the names that the rows show, the most talkative first."""
    more_people: int = 0
    """Who is not listed."""
    vocabulary: Vocabulary | None = None

    @property
    def answered(self) -> bool:
        """Whether the persona ever answers somebody, as it does not in writing."""
        return self.delays.persona_quartiles is not None

    def without_others(self, shown: Set[str]) -> Figures:
        """What may be told after somebody withdrew; `shown` is who is left. The vocabulary is for
        who knows the rows."""
        kept = {"over_time", "hours", "lengths", "bursts"}
        alone = {name: getattr(self, name).alone() for name in kept}
        left = tuple(one for one in self.people if one[0] in shown)
        return self.model_copy(
            update={**alone, "people": left, "more_people": 0, "vocabulary": None}
        )


class Counting:
    """Learns from sessions as they pass. `span` are the times of the first and the last message,
    `late` is the second from which sessions are held out."""

    def __init__(
        self, persona: Set[int], span: tuple[datetime, datetime], late: int | None
    ) -> None:
        self._persona = persona
        self._utc = span[0].tzinfo is not None
        self._late = late
        self._unit, self._begins = periods(*(at.replace(tzinfo=None) for at in span))
        self._edges = [*map(_second, self._begins), BEYOND]
        self._over_time = _two(len(self._begins))
        self._hours = _two(24)
        self._lengths = _two(LONGEST + 1)
        self._bursts = _two(LONGEST_BURST + 1)
        self._delays = [0] * (LONGEST_DELAY_S + 1)
        self._said: dict[int, list[int]] = {}

    def passing(self, session: Session) -> Session:
        return replace(session, said=self._heard(session.said))

    def _heard(self, told: Iterator[Said]) -> Iterator[Said]:
        """One loop that does little, as it does it for each message."""
        persona, edges, mine, before = self._persona, self._edges, OTHERS, -1
        place = begin = end = since = run = 0
        for one in told:
            second, speaker, text, _ = one
            if speaker != before:
                was, mine, before = mine, speaker in persona, speaker
                if run and not (was and mine):  # the persona's several names are one speaker
                    self._turn(was, run)
                    if mine:
                        self._answer(second - since)
                    run = 0
                over_time, hours = self._over_time[mine], self._hours[mine]
                lengths = self._lengths[mine]
                said = self._said.setdefault(speaker, [0])
            if not begin <= second < end:
                place = max(0, bisect_right(edges, second) - 1)
                begin, end = edges[place], edges[place + 1]
            over_time[place] += 1
            hours[second // 3600 % 24] += 1
            length = len(text)
            lengths[length if length < LONGEST else LONGEST] += 1
            said[0] += 1
            run += 1
            since = second
            yield one
        if run:
            self._turn(mine, run)

    def _turn(self, mine: bool, messages: int) -> None:
        self._bursts[mine][min(messages, LONGEST_BURST)] += 1

    def _answer(self, seconds: int) -> None:
        if seconds >= 0:  # else a clock was set back
            self._delays[min(seconds, LONGEST_DELAY_S)] += 1

    def figures(self, shown: Sequence[str]) -> Figures:
        """All that was learned; `shown` is what each speaker is called in the rows."""
        people: dict[str, int] = {}
        for speaker, [messages] in self._said.items():
            if speaker not in self._persona:
                people[shown[speaker]] = people.get(shown[speaker], 0) + messages
        ranked = sorted(people.items(), key=lambda one: (-one[1], one[0]))
        return Figures(
            unit=self._unit,
            periods=tuple(begin.date().isoformat() for begin in self._begins),
            over_time=_sides(self._over_time),
            held_out_from=None if self._late is None else bisect_right(self._edges, self._late) - 1,
            utc=self._utc,
            hours=_sides(self._hours),
            lengths=_ranged(self._lengths, LENGTHS),
            bursts=_ranged(self._bursts, BURSTS),
            delays=_ranged([[], self._delays], DELAYS_S),
            people=tuple(ranked[:MAX_LISTED]),
            more_people=len(ranked[MAX_LISTED:]),
        )


def periods(first: datetime, last: datetime) -> tuple[str, list[datetime]]:
    """The shortest unit that makes few periods of that time, and when each of them begins."""
    days = (last - first).days + 1
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    if days <= MAX_PERIODS:
        return "day", _from(midnight, last, lambda at: at + timedelta(days=1))
    if days <= MAX_PERIODS * 7:
        monday = midnight - timedelta(days=midnight.weekday())
        return "week", _from(monday, last, lambda at: at + timedelta(days=7))
    for months, unit in ((1, "month"), (3, "quarter")):
        if days <= MAX_PERIODS * 30 * months:
            begin = midnight.replace(day=1, month=midnight.month - (midnight.month - 1) % months)
            return unit, _from(begin, last, partial(_later, months=months))
    years = -(-(last.year - first.year + 1) // MAX_PERIODS)
    unit = "year" if years == 1 else f"{years} years"
    return unit, _from(datetime(first.year, 1, 1), last, lambda at: _later(at, 12 * years))


def _from(
    begin: datetime, last: datetime, following: Callable[[datetime], datetime]
) -> list[datetime]:
    begins = []
    try:
        while begin <= last:
            begins.append(begin)
            begin = following(begin)
    except (ValueError, OverflowError):
        """The end of the calendar."""
    return begins


def _later(at: datetime, months: int) -> datetime:
    years, month = divmod(at.month - 1 + months, 12)
    return at.replace(year=at.year + years, month=month + 1)


def _second(at: datetime) -> int:
    return (at - EPOCH) // timedelta(seconds=1)


def _two(size: int) -> list[list[int]]:
    """A count for others and one for the persona, as `mine` is False or True."""
    return [[0] * size, [0] * size]


def _sides(counts: Sequence[Sequence[int]]) -> Sides:
    return Sides(persona=tuple(counts[PERSONA]), others=tuple(counts[OTHERS]))


def _ranged(counts: Sequence[Sequence[int]], begins: Sequence[int]) -> Sides:
    """Counts by size as counts by range of sizes, with the quartiles of what they were."""
    others, persona = (
        tuple(sum(sizes[low:high]) for low, high in pairwise([*begins, None])) if sizes else ()
        for sizes in counts
    )
    return Sides(
        persona=persona,
        others=others,
        persona_quartiles=quartiles(counts[PERSONA]),
        others_quartiles=quartiles(counts[OTHERS]),
    )


def quartiles(counts: Sequence[int]) -> Quartiles | None:
    """Of sizes, given how often each occurs: the smallest that so many do not exceed."""
    upto = list(accumulate(counts))
    if not upto or not upto[-1]:
        return None
    lower, median, upper = (
        next(size for size, many in enumerate(upto) if many * 4 >= quarter * upto[-1])
        for quarter in (1, 2, 3)
    )
    return Quartiles(lower=lower, median=median, upper=upper)
