"""Which rows to learn from where there are more than a user wants. Knows numbers and words only."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

SEED = 1
STRETCHES = 64
"""Of equal length; from each of them as many rows as there are, up to the same number."""
TOPICS, ROUNDS = 16, 10
BINS, FITTED, BATCH = 1024, 2048, 256
WORD = re.compile(r"[^\W\d_]{3,}|[\u2e80-\uffff]{1,2}")
"""Of scripts that write no spaces, two characters at a time."""

Chosen = NDArray[np.bool_]
"""Of each row by its number whether it is learned from."""
Groups = NDArray[np.int64]
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Candidate:
    """A row that could be learned from."""

    number: int
    second: int
    text: str


class Rows:
    """The numbers and times of all that could be learned from, and the words of some."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        chance = np.random.default_rng(SEED)
        self.numbers, self.seconds = array("q"), array("q")
        self.some: list[str] = []
        """A fair sample."""
        for seen, candidate in enumerate(candidates):
            self.numbers.append(candidate.number)
            self.seconds.append(candidate.second)
            if seen < FITTED:
                self.some.append(candidate.text)
            elif (place := int(chance.integers(seen + 1))) < FITTED:
                self.some[place] = candidate.text

    def __len__(self) -> int:
        return len(self.numbers)

    def all(self) -> Chosen:
        return self._by_number(np.arange(len(self)))

    def recent(self, wanted: int) -> Chosen:
        order = np.argsort(np.array(self.seconds), kind="stable")
        return self._by_number(order[max(0, len(order) - wanted) :])

    def even(self, wanted: int) -> Chosen:
        """Evenly over time: a busy summer does not outweigh the years before."""
        if not self.seconds:
            return self.all()
        seconds = np.array(self.seconds)
        first = seconds.min()
        span = int(seconds.max() - first) + 1
        return self._by_number(_shared_out((seconds - first) * STRETCHES // span, wanted))

    def balanced(self, texts: Iterable[str], wanted: int) -> Chosen:
        """Evenly over topics; `texts` are those of the rows, once more and in the same order."""
        if not self.some:
            return self.all()
        groups = np.fromiter(Topics(self.some).of(texts), dtype=np.int64, count=len(self))
        return self._by_number(_shared_out(groups, wanted))

    def _by_number(self, places: NDArray[np.intp]) -> Chosen:
        chosen = np.zeros(self.numbers[-1] + 1 if self.numbers else 0, dtype=np.bool_)
        chosen[np.array(self.numbers)[places]] = True
        return chosen


class Topics:
    """Groups of texts that share words.

    Words hashed into bins and weighed by how rare they are (feature hashing, Weinberger et al.
    2009), grouped by spherical k-means (Dhillon and Modha 2001).
    """

    def __init__(self, texts: Sequence[str]) -> None:
        chance = np.random.default_rng(SEED)
        counts = _counted(texts)
        self._weights = np.log((1 + len(texts)) / (1 + (counts > 0).sum(axis=0))).astype(np.float32)
        vectors = self._weighed(counts)
        self._middles = vectors[_apart(vectors, chance)]
        for _ in range(ROUNDS):
            groups = self._nearest(vectors)
            for group in range(len(self._middles)):
                if (members := vectors[groups == group]).size:
                    self._middles[group] = _unit(members.sum(axis=0, keepdims=True))[0]

    def of(self, texts: Iterable[str]) -> Iterator[int]:
        """The number of each text's group."""
        texts = iter(texts)
        while batch := list(islice(texts, BATCH)):
            yield from self._nearest(self._weighed(_counted(batch))).tolist()

    def _weighed(self, counts: Vectors) -> Vectors:
        return _unit(np.sqrt(counts) * self._weights)

    def _nearest(self, vectors: Vectors) -> NDArray[np.intp]:
        nearest: NDArray[np.intp] = np.argmax(vectors @ self._middles.T, axis=1)
        return nearest


def _apart(vectors: Vectors, chance: np.random.Generator) -> list[int]:
    """Places of texts unlike each other, to begin with (k-means++, Arthur and Vassilvitskii
    2007)."""
    places = [int(chance.integers(len(vectors)))]
    far = np.ones(len(vectors))
    while len(places) < TOPICS:
        far = np.minimum(far, np.clip(1 - vectors @ vectors[places[-1]], 0, None))
        far[places] = 0
        if not (whole := far.sum()):
            break  # all others are like one of these
        places.append(int(chance.choice(len(vectors), p=far / whole)))
    return places


def _counted(texts: Sequence[str]) -> Vectors:
    counts = np.zeros((len(texts), BINS), dtype=np.float32)
    for row, text in zip(counts, texts, strict=True):
        for word in WORD.findall(text.casefold()):
            row[crc32(word.encode("utf-8", "surrogatepass")) % BINS] += 1
    return counts


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = vectors / np.where(lengths, lengths, 1)
    return unit


def _shared_out(groups: Groups, wanted: int) -> NDArray[np.intp]:
    """Places of so many, the same number of each group as far as it has them."""
    chance = np.random.default_rng(SEED)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    members.sort(key=len)
    taken = []
    for done, group in enumerate(members):
        share = min(len(group), wanted // (len(members) - done))
        wanted -= share
        taken.append(chance.choice(group, size=share, replace=False))
    return np.concatenate(taken)
