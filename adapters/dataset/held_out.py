"""Keeps what a persona is tested on out of what it learns: long lines, nearly word for word.

Short ones ("ok", "on my way") are said again because people say them again, and stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from itertools import islice

from .clean import Cleaning
from .conversations import Window
from .doubles import Said
from .near import Near

RULE = "held-out"
BATCH = 64


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
            lines = (said for window in batch for said in window.said)
            self._near.said_before([text for _, who, text, _ in lines if who in self._persona])
            yield from batch

    def without(self, windows: Iterable[Window], cleaning: Cleaning) -> Iterator[Window]:
        """What is to be learned, cut where it says such a line: question and answer are gone."""
        windows = iter(windows)
        while batch := list(islice(windows, BATCH)):
            lines = [said for window in batch for said in window.said]
            told = self._near.known(
                [text if who in self._learned else "" for _, who, text, _ in lines]
            )
            if not any(told):
                yield from batch
                continue
            flags = iter(told)
            for window in batch:
                known = list(islice(flags, len(window.said)))
                yield from self._cut(window, known, cleaning) if any(known) else (window,)

    def _cut(self, window: Window, known: list[bool], cleaning: Cleaning) -> Iterator[Window]:
        rest: list[Said] = []
        for exchange in self._exchanges(window.said):
            told, known = known[: len(exchange)], known[len(exchange) :]
            if not any(told):
                rest += exchange
                continue
            for _, who, text, _ in exchange:
                if who in self._learned:
                    cleaning.drop(RULE, text)
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
