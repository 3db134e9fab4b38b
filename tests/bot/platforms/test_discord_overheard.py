"""What is kept of channels: little, bounded, and as people see it."""

from __future__ import annotations

from time import time

import pytest

from bot.around import Heard
from bot.platforms.discord.overheard import (
    CHANNELS,
    LINE_MAX_CHARS,
    LINES_A_CHANNEL,
    MAX_BYTES,
    Overheard,
)


def line(number: int, text: str = "hm", **more: object) -> Heard:
    values = {"at_ms": int(time() * 1000), **more}
    return Heard(str(number), "discord:1", "Bee", text, **values)  # type: ignore[arg-type]


def ids(kept: Overheard, channel: int = 1, before: int = 10**9) -> list[int]:
    return [int(one.message_id) for one in kept.before(channel, before)]


@pytest.fixture
def kept() -> Overheard:
    return Overheard()


def test_a_channel_keeps_its_last_lines_in_order(kept: Overheard) -> None:
    for number in range(100, 200):
        kept.note(1, line(number))
    assert ids(kept) == list(range(200 - LINES_A_CHANNEL, 200))
    assert ids(kept, before=172) == [170, 171]


def test_a_history_that_comes_late_goes_before_what_was_heard(kept: Overheard) -> None:
    kept.note(1, line(50, "heard"), line(51))
    kept.edit(1, line(50, "edited"))
    kept.delete(1, [51, 40])
    kept.make_whole(1, [line(30), line(40), line(50, "as it was"), line(51)])
    assert ids(kept) == [30, 50]
    found = kept.line(1, 50)
    assert found is not None
    assert found.text == "edited"
    assert kept.is_whole(1)


def test_own_lines_are_found_but_not_shown_unless_a_thread_began_with_them(
    kept: Overheard,
) -> None:
    kept.note(70, line(70, own=True), line(71, own=True), line(72))
    assert ids(kept, 70) == [70, 72]
    assert kept.line(70, 71) is not None


def test_a_threads_beginning_changes_with_the_message_it_began_with(kept: Overheard) -> None:
    kept.note(70, line(70, "befor"))
    kept.edit(1, line(70, "before"))
    found = kept.line(70, 70)
    assert found is not None
    assert found.text == "before"
    kept.delete(1, [70])
    assert ids(kept, 70) == []


def test_old_lines_are_not_shown(kept: Overheard) -> None:
    kept.note(1, line(1, at_ms=int((time() - 8 * 86_400) * 1000)), line(2))
    assert ids(kept) == [2]


def test_lines_channels_and_bytes_are_bounded(kept: Overheard) -> None:
    for channel in range(CHANNELS + 10):
        kept.note(channel, line(1, "x" * 4000))
    assert ids(kept, 9) == []
    assert ids(kept, 10) == [1]
    found = kept.line(10, 1)
    assert found is not None
    assert len(found.text) == LINE_MAX_CHARS
    for channel in range(CHANNELS):
        for number in range(LINES_A_CHANNEL):
            kept.note(channel, line(number, "x" * 4000))
    assert kept.size_bytes <= MAX_BYTES
    assert len(ids(kept, CHANNELS - 1)) == LINES_A_CHANNEL


def test_what_is_dropped_takes_nothing(kept: Overheard) -> None:
    for channel in range(5):
        kept.note(channel, line(1), line(2, "two"), line(2, "three"))
    kept.delete(1, [1])
    kept.edit(2, line(2, "a longer text"))
    kept.forget("discord:1")
    assert kept.size_bytes == 0
    kept.note(1, line(5))
    kept.drop(1)
    kept.drop(77)
    assert kept.size_bytes == 0
    assert ids(kept) == []


def test_messages_that_were_looked_up_are_kept_as_long_as_people_see_them(
    kept: Overheard,
) -> None:
    for number in range(1, 4):
        kept.note_link(line(number, "x" * 4000))
    kept.edit(1, line(1, "edited"))
    kept.delete(1, [2])
    found = [kept.line(1, number) for number in range(1, 4)]
    assert [one and len(one.text) for one in found] == [6, None, LINE_MAX_CHARS]
    assert ids(kept) == []
    kept.forget("discord:1")
    assert kept.line(1, 3) is None
