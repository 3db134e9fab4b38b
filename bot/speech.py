"""Which of the model's words the persona says: its own, and never another's.

Servers stop at a few strings only, and some at none; here every speaker's label ends the answer,
and the persona's own label, which some models write first, is left out.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing


async def own_words(
    deltas: AsyncGenerator[str], stops: Sequence[str], own_label: str
) -> AsyncGenerator[str]:
    """The deltas without leading space and own label, up to the first of `stops`."""
    async with aclosing(deltas), aclosing(_without_label(deltas, own_label)) as words:
        held = ""
        async for delta in words:
            held += delta
            end = min((i for stop in stops if (i := held.find(stop)) >= 0), default=-1)
            if end >= 0:
                if end:
                    yield held[:end]
                return
            ready = len(held) - _beginning(held, stops)
            if ready:
                yield held[:ready]
                held = held[ready:]
        if held:
            yield held


async def _without_label(deltas: AsyncGenerator[str], label: str) -> AsyncGenerator[str]:
    head, begun = "", False
    async for delta in deltas:
        if begun:
            yield delta
            continue
        head = (head + delta).lstrip()
        if head and not (label and label.startswith(head)):
            begun = True
            if words := head.removeprefix(label).lstrip():
                yield words
            else:
                head, begun = "", False
    if not begun and head and head != label:
        yield head


def _beginning(text: str, stops: Sequence[str]) -> int:
    """The length of the longest end of `text` that may be the beginning of a stop."""
    longest = min(max((len(stop) for stop in stops), default=1) - 1, len(text))
    for length in range(longest, 0, -1):
        if any(stop.startswith(text[-length:]) for stop in stops):
            return length
    return 0
