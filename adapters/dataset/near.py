"""Long messages that were said before, nearly word for word: found by MinHash.

Works on batches with numpy and in memory of a fixed size: what was said some hundred thousand
long messages ago may be forgotten. An own one, as datasketch brings scipy along and hashes message
by message in Python. Knows nothing of rules or files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

MIN_WORDS, MIN_CHARACTERS = 8, 40
"""Different ones. Shorter messages are said again because people say them again."""
BANDS, ROWS = 8, 4
AGREEING_BANDS = 4
"""Two messages with nine tenths of their words in common are found with probability 0.9, with
half of them 0.001."""
SLOTS = 1 << 18
SEED = 20190416
MIXER = np.uint64(0x9E3779B97F4A7C15)
LONGEST_WORD = 64
"""Bytes; what follows begins with the first one's weight again."""
END = "\0"
"""Between messages."""
LETTERS = np.array([byte >= 128 or chr(byte).isalnum() for byte in range(256)])
"""Bytes of words; those of any script but Latin's punctuation, as UTF-8 writes it, are."""

Hashes = NDArray[np.uint32]
Places = NDArray[np.intp]


class Near:
    def __init__(self) -> None:
        random = np.random.default_rng(SEED)
        self._factors = _odd(random, (BANDS, ROWS))
        self._bytes = np.where(LETTERS, _odd(random, (256,)), 0).astype(np.uint32)
        self._weights = _odd(random, (LONGEST_WORD,))
        self._tables = np.zeros((BANDS, SLOTS), dtype=np.uint64)

    def said_before(self, texts: Sequence[str]) -> list[bool]:
        """Of each text whether something very like it came earlier, in this batch or before."""
        return self._looked_up(texts, learn=True)

    def known(self, texts: Sequence[str]) -> list[bool]:
        """Of each text whether something very like it was asked about before; it is forgotten."""
        return self._looked_up(texts, learn=False)

    def _looked_up(self, messages: Sequence[str], *, learn: bool) -> list[bool]:
        found = [False] * len(messages)
        long = [n for n, message in enumerate(messages) if len(message) >= MIN_CHARACTERS]
        if not long:
            return found
        words, starts, texts = self._words([messages[n] for n in long])
        if len(starts):
            for place in texts[self._again(words, starts, learn=learn)]:
                said = messages[long[place]].casefold().split()
                found[long[place]] = len(set(said)) >= MIN_WORDS  # not "ha ha ha …"
        return found

    def tables(self) -> Iterator[bytes]:
        """All that is remembered, in parts."""
        return (table.tobytes() for table in self._tables)

    def restore(self, tables: Iterable[bytes]) -> None:
        for table, data in zip(self._tables, tables, strict=True):
            table[:] = np.frombuffer(data, dtype=np.uint64)

    def _words(self, texts: Sequence[str]) -> tuple[Hashes, Places, Places]:
        """(the hashes of all words, where each text's begin, which texts those are): those of few
        words are left out."""
        joined = END.join(text.replace(END, " ") for text in texts).casefold() + END
        data = np.frombuffer(joined.encode("utf-8", "surrogatepass"), dtype=np.uint8)
        letter = LETTERS[data]
        begins = np.flatnonzero(letter & ~np.concatenate(([False], letter[:-1])))
        if not len(begins):
            return np.zeros(0, dtype=np.uint32), begins, begins
        lengths = np.diff(begins, append=len(data))
        offsets = np.arange(begins[0], len(data)) - np.repeat(begins, lengths)
        weighed = self._bytes[data[begins[0] :]] * self._weights[offsets % LONGEST_WORD]
        words = np.add.reduceat(weighed, begins - begins[0], dtype=np.uint32)
        words = (words ^ (words >> np.uint32(15))) | np.uint32(1)  # 0 is least, times anything
        ends = np.searchsorted(begins, np.flatnonzero(data == 0))
        counts = np.diff(ends, prepend=0)
        enough = counts >= MIN_WORDS
        words = words[np.repeat(enough, counts)]
        starts = np.cumsum(counts[enough]) - counts[enough]
        return words, starts, np.flatnonzero(enough)

    def _again(self, words: Hashes, starts: Places, *, learn: bool) -> NDArray[np.bool_]:
        agreeing = np.zeros(len(starts), dtype=np.int64)
        for factors, table in zip(self._factors, self._tables, strict=True):
            keys = np.zeros(len(starts), dtype=np.uint64)
            for factor in factors:
                keys = (keys ^ np.minimum.reduceat(words * factor, starts)) * MIXER
            keys |= np.uint64(1)  # an empty slot is 0
            slots = (keys >> np.uint64(40)).astype(np.int64) % SLOTS
            again = table[slots] == keys
            if learn:
                _, first = np.unique(keys, return_index=True)
                repeated = np.ones(len(starts), dtype=bool)
                repeated[first] = False
                again |= repeated
                table[slots] = keys
            agreeing += again
        return agreeing >= AGREEING_BANDS


def _odd(random: np.random.Generator, shape: tuple[int, ...]) -> Hashes:
    return random.integers(1 << 31, size=shape, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
