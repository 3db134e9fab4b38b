"""Long messages that were said before, nearly word for word: found by MinHash.

Works on batches with numpy and in memory of a fixed size: what was said some hundred thousand
long messages ago may be forgotten. An own one, as datasketch brings scipy along and hashes message
by message in Python. Knows nothing of rules or files.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from adapters.messages import Message

MIN_WORDS, MIN_CHARACTERS = 8, 40
"""Different ones. Shorter messages are said again because people say them again."""
BANDS, ROWS = 8, 4
AGREEING_BANDS = 4
"""Two messages with nine tenths of their words in common are found with probability 0.9, with
half of them 0.001."""
SLOTS = 1 << 18
MAX_WORDS_KNOWN = 100_000
SEED = 20190416
MIXER = np.uint64(0x9E3779B97F4A7C15)
NO_WORD = re.compile(r"\W+")

Hashes = NDArray[np.uint32]


class _Words(dict[str, int]):
    """Each word's number, the same in every process and with any punctuation around it."""

    def __missing__(self, word: str) -> int:
        bare = NO_WORD.sub("", word) or word
        number = (
            zlib.crc32(bare.encode("utf-8", "surrogatepass")) or 1
        )  # 0 is least, times anything
        if len(self) < MAX_WORDS_KNOWN:
            self[word] = number
        return number


class Near:
    def __init__(self) -> None:
        random = np.random.default_rng(SEED)
        factors = random.integers(1 << 31, size=(BANDS, ROWS), dtype=np.uint32)
        self._factors: Hashes = factors * np.uint32(2) + np.uint32(1)
        self._tables = np.zeros((BANDS, SLOTS), dtype=np.uint64)
        self._words = _Words()

    def said_before(self, messages: Sequence[Message]) -> list[bool]:
        """Of each message whether something very like it came earlier, in this batch or before."""
        found = [False] * len(messages)
        number_of = self._words.__getitem__
        places, numbers, starts = [], list[int](), []
        for place, message in enumerate(messages):
            text = message.text
            if len(text) < MIN_CHARACTERS:
                continue
            words = text.casefold().split()
            if len(words) >= MIN_WORDS:
                places.append(place)
                starts.append(len(numbers))
                numbers += map(number_of, words)
        if places:
            hashes = np.array(numbers, dtype=np.uint32)
            for place, again in zip(places, self._again(hashes, starts), strict=True):
                if again:
                    words = messages[place].text.casefold().split()
                    found[place] = len(set(words)) >= MIN_WORDS  # not "ha ha ha …"
        return found

    def _again(self, words: Hashes, starts: Sequence[int]) -> NDArray[np.bool_]:
        agreeing = np.zeros(len(starts), dtype=np.int64)
        for factors, table in zip(self._factors, self._tables, strict=True):
            keys = np.zeros(len(starts), dtype=np.uint64)
            for factor in factors:
                keys = (keys ^ np.minimum.reduceat(words * factor, starts)) * MIXER
            keys |= np.uint64(1)  # an empty slot is 0
            slots = (keys >> np.uint64(40)).astype(np.int64) % SLOTS
            _, first = np.unique(keys, return_index=True)
            repeated = np.ones(len(starts), dtype=bool)
            repeated[first] = False
            agreeing += repeated | (table[slots] == keys)
            table[slots] = keys
        return agreeing >= AGREEING_BANDS
