"""When a growing answer is shown: by the clock, and always whole at the end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from math import inf


async def drafts(
    deltas: AsyncGenerator[str], every_s: float, clock: Callable[[], float]
) -> AsyncGenerator[str]:
    """Few growing drafts from many small deltas; the last one is always complete."""
    text = shown = ""
    due = -inf
    async with aclosing(deltas):
        async for delta in deltas:
            text += delta
            if clock() >= due:
                yield (shown := text)
                due = clock() + every_s
    if text != shown:
        yield text
