from collections.abc import AsyncGenerator

import pytest

from bot.pacing import drafts


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def spoken(clock: Clock, *pauses_s: float, fail: bool = False) -> AsyncGenerator[str]:
    for number, pause_s in enumerate(pauses_s):
        clock.now += pause_s
        yield str(number)
    if fail:
        raise ConnectionError


async def test_the_first_words_are_shown_at_once_and_the_rest_by_the_clock() -> None:
    clock = Clock()
    shown = [d async for d in drafts(spoken(clock, 0, 0.4, 0.4, 0.4, 0.4, 0.1), 1.0, clock)]
    assert shown == ["0", "0123", "012345"]


async def test_the_last_draft_is_complete_and_never_said_twice() -> None:
    clock = Clock()
    assert [d async for d in drafts(spoken(clock, 0, 0, 0), 1.0, clock)] == ["0", "012"]
    assert [d async for d in drafts(spoken(clock, 0), 1.0, clock)] == ["0"]
    assert [d async for d in drafts(spoken(clock), 1.0, clock)] == []


async def test_the_stream_is_closed_by_whoever_leaves_early() -> None:
    closed = []

    async def endless() -> AsyncGenerator[str]:
        try:
            while True:
                yield "."
        finally:
            closed.append(True)

    growing = drafts(endless(), 0, Clock())
    await anext(growing)
    await growing.aclose()
    assert closed


async def test_a_failure_comes_through() -> None:
    clock = Clock()
    with pytest.raises(ConnectionError):
        [d async for d in drafts(spoken(clock, 0, fail=True), 1.0, clock)]
