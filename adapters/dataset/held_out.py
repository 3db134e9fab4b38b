"""Keeps what a persona is tested on out of what it learns: long lines, nearly word for word.

Short ones ("ok", "on my way") are said again because people say them again, and stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from itertools import compress, islice

from .clean import TESTED, Cleaning
from .conversations import Window
from .doubles import Said
from .near import MIN_CHARACTERS, Near

BATCH = 256


class HeldOut:
    """Remembers the persona's held-out lines; `learned` are the numbers of whose lines are
    learned."""

    def __init__(self, persona: Set[int], learned: Set[int]) -> None:
        self._persona, self._learned = persona, learned
        self._near = Near()

    def met(self, windows: Iterable[Window]) -> Iterator[Window]:
        """What is held out, as it comes."""
        windows = iter(windows)
        while batch := list(islice(windows, BATCH)):
            self._near.said_before(_long(batch, self._persona))
            yield from batch

    def without(self, windows: Iterable[Window], cleaning: Cleaning) -> Iterator[Window]:
        """What is to be learned, cut where it says such a line: question and answer are gone."""
        windows = iter(windows)
        while batch := list(islice(windows, BATCH)):
            lines = _long(batch, self._learned)
            known = set(compress(lines, self._near.known(lines)))
            if not known:
                yield from batch
                continue
            for window in batch:
                yield from self._cut(window, known, cleaning)

    def _cut(self, window: Window, known: set[str], cleaning: Cleaning) -> Iterator[Window]:
        rest: list[Said] = []
        for exchange in self._exchanges(window.said):
            told = [(text, who) for _, who, text, _ in exchange if who in self._learned]
            if known.isdisjoint(text for text, _ in told):
                rest += exchange
                continue
            for text, who in told:
                cleaning.drop(TESTED, text, who)
            yield from self._rest(rest, window)
            rest = []
        yield from self._rest(rest, window)

    def _rest(self, said: list[Said], window: Window) -> Iterator[Window]:
        if said:
            yield Window(said, sum(one[1] in self._persona for one in said), window.session)

    def _exchanges(self, said: list[Said]) -> Iterator[list[Said]]:
        """Words of others with the answer to them."""
        exchange: list[Said] = []
        for one in said:
            if exchange and one[1] not in self._persona and exchange[-1][1] in self._persona:
                yield exchange
                exchange = []
            exchange.append(one)
        yield exchange


def _long(windows: Iterable[Window], speakers: Set[int]) -> list[str]:
    return [
        text
        for window in windows
        for _, who, text, _ in window.said
        if len(text) >= MIN_CHARACTERS and who in speakers
    ]
