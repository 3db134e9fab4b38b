"""How somebody's way of writing changes over the years, and where it changes most.

Words and marks are counted in stretches of time of which there are never more than MAX_STRETCHES;
eras are the consecutive groups of them that differ least within themselves: optimal partitioning
(Fisher, 1958) of the relative frequencies that stylometry compares (Burrows's Delta, 2002). Knows
nothing of files or people.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from datetime import date
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from adapters.errors import BadRequest

from .era import Eras

MAX_STRETCHES = 128
BUCKETS = 8192
"""Words are counted by hash: two of the frequent ones seldom share a place."""
FREQUENT_WORDS = 150
MIN_SHARE = 0.1
"""Of the messages, in every era."""
MIN_MESSAGES = 100
SHUFFLES = 99
SEED = 2002
MARKS = {
    "begin in lower case": re.compile(r"\W*[a-zß-öø-ÿа-я]"),
    "end with a full stop": re.compile(r"(?s).*[^.]\.\s*\Z"),
    "have a “!”": re.compile(r"[^!]*!"),
    "have a “?”": re.compile(r"[^?]*\?"),
    "have a “…”": re.compile(r"(?s).*?(?:…|\.\.)"),
    "have a comma": re.compile(r"[^,]*,"),
    "have an emoji": re.compile(r"(?s).*?[\u2600-\u27bf\U0001f300-\U0001faff]"),
    "have an emoticon": re.compile(r"(?s).*?(?<!\w)[:;=xX]['-]?[)(DPp/|3]+(?!\w)"),
    "have a woooord": re.compile(r"(?s).*?([^\W\d_])\1\1"),
    "SHOUT": re.compile(r"(?s).*?\b[A-ZÄÖÜÀ-Ý]{4,}\b"),
}
"""What is counted of messages, beside the words in them."""
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")

Numbers = NDArray[np.float64]


class _Stretch:
    def __init__(self) -> None:
        self.messages = 0
        self.words = 0
        self.marks = [0] * len(MARKS)
        self.buckets = array("I", bytes(4 * BUCKETS))

    def add(self, other: _Stretch) -> None:
        self.messages += other.messages
        self.words += other.words
        self.marks = [mine + more for mine, more in zip(self.marks, other.marks, strict=True)]
        self.buckets = array("I", map(sum, zip(self.buckets, other.buckets, strict=True)))


class Style:
    """What one person wrote, counted."""

    def __init__(self) -> None:
        self._days = 1
        self._stretches: dict[int, _Stretch] = {}

    def hear(self, on: date, text: str) -> None:
        key = on.toordinal() // self._days
        if (stretch := self._stretches.get(key)) is None:
            stretch = self._stretches[key] = _Stretch()
            while len(self._stretches) > MAX_STRETCHES:
                self._widen()
        words = WORD.findall(text.casefold())
        stretch.messages += 1
        stretch.words += len(words)
        for word in words:
            stretch.buckets[crc32(word.encode("utf-8", "replace")) % BUCKETS] += 1
        for place, mark in enumerate(MARKS.values()):
            stretch.marks[place] += mark.match(text) is not None

    def _widen(self) -> None:
        """Every two neighbours become one."""
        wider: dict[int, _Stretch] = {}
        for key, stretch in self._stretches.items():
            if key // 2 in wider:
                wider[key // 2].add(stretch)
            else:
                wider[key // 2] = stretch
        self._days *= 2
        self._stretches = wider

    def eras(self, count: int) -> Eras:
        """The best cuts into so many eras. Raises BadRequest where there is too little."""
        keys = sorted(self._stretches)
        stretches = [self._stretches[key] for key in keys]
        messages = np.array([stretch.messages for stretch in stretches], dtype=float)
        if messages.sum() < count * MIN_MESSAGES or len(keys) < 2 * count:
            raise BadRequest(
                f"for {count} eras there have to be {count * MIN_MESSAGES} messages of the persona "
                f"on {2 * count} days at least; there are {messages.sum():.0f} on {len(keys)}"
            )
        profile = _profile(stretches, messages)
        cuts, explained = _partition(profile, messages, count)
        days = [date.fromordinal(key * self._days) for key in keys]
        return Eras(
            begin=tuple(days[cut] for cut in cuts),
            explained=explained,
            chance=_chance(profile, messages, count, explained),
            stretches=tuple(days),
            messages=tuple(s.messages for s in stretches),
            words=tuple((s.words / s.messages) for s in stretches),
            marks={
                name: tuple(s.marks[place] / s.messages for s in stretches)
                for place, name in enumerate(MARKS)
            },
            change=tuple(_single(profile, messages)),
        )


def _profile(stretches: Sequence[_Stretch], messages: Numbers) -> Numbers:
    """A row a stretch: its marks and its frequent words, each as distance from the mean in
    standard deviations; all marks weigh as much as all words."""
    marks = np.array([[s.words, *s.marks] for s in stretches]) / messages[:, None]
    counted = np.array([s.buckets for s in stretches], dtype=float)
    frequent = np.argsort(counted.sum(axis=0), kind="stable")[::-1][:FREQUENT_WORDS]
    spoken = np.maximum(1, [s.words for s in stretches])
    blocks = [marks, counted[:, frequent] / spoken[:, None]]
    return np.hstack([_scored(block, messages) / np.sqrt(block.shape[1]) for block in blocks])


def _scored(block: Numbers, weights: Numbers) -> Numbers:
    mean = np.average(block, axis=0, weights=weights)
    spread = np.sqrt(np.average((block - mean) ** 2, axis=0, weights=weights))
    scored: Numbers = (block - mean) / np.where(spread > 0, spread, 1)
    return scored


def _partition(profile: Numbers, weights: Numbers, count: int) -> tuple[list[int], float]:
    """(where eras but the first begin, what they explain), by dynamic programming."""
    within = _within(profile, weights)
    size = len(weights)
    best = within[0].copy()  # of the stretches before each place, in one era
    begins: list[NDArray[np.intp]] = []
    for _ in range(count - 1):
        costs = best[:, None] + within
        begin = np.argmin(costs, axis=0)
        best = costs[begin, np.arange(size + 1)]
        begins.append(begin)
    if not np.isfinite(best[size]):
        raise BadRequest(f"the messages can't be cut into {count} eras of a tenth each; ask fewer")
    cuts, place = list[int](), size
    for begin in reversed(begins):
        place = int(begin[place])
        cuts.append(place)
    total = _spread(profile, weights)
    return cuts[::-1], float(1 - best[size] / total) if total > 0 else 0.0


def _within(profile: Numbers, weights: Numbers) -> Numbers:
    """[i, j]: the weighted squares around their mean of the stretches from i to before j; infinite
    where these are too few for an era."""
    said = np.concatenate([[0], np.cumsum(weights)])
    sums = np.vstack([np.zeros(profile.shape[1]), np.cumsum(profile * weights[:, None], axis=0)])
    squares = np.concatenate([[0], np.cumsum((profile**2).sum(axis=1) * weights)])
    size = len(weights)
    within = np.full((size + 1, size + 1), np.inf)
    for i in range(size):
        held = said[i + 1 :] - said[i]
        means = ((sums[i + 1 :] - sums[i]) ** 2).sum(axis=1) / held
        enough = held >= MIN_SHARE * said[-1]
        within[i, i + 1 :] = np.where(enough, squares[i + 1 :] - squares[i] - means, np.inf)
    return within


def _spread(profile: Numbers, weights: Numbers) -> float:
    mean = np.average(profile, axis=0, weights=weights)
    return float((((profile - mean) ** 2).sum(axis=1) * weights).sum())


def _single(profile: Numbers, weights: Numbers) -> Numbers:
    within, total = _within(profile, weights), _spread(profile, weights)
    costs = within[0, :-1] + within[:-1, -1]
    explained = 1 - costs / total if total > 0 else np.zeros(len(weights))
    return np.where(np.isfinite(explained), np.maximum(explained, 0), 0)


def _chance(profile: Numbers, weights: Numbers, count: int, explained: float) -> float:
    """A permutation test: the same stretches in another order."""
    random, as_good = np.random.default_rng(SEED), 0
    for _ in range(SHUFFLES):
        order = random.permutation(len(weights))
        try:
            as_good += _partition(profile[order], weights[order], count)[1] >= explained
        except BadRequest:
            continue
    return as_good / SHUFFLES
