"""What was said in channels lately: in this process only, and only for so long.

Bounded in lines a channel, in channels and in bytes; the channel heard longest ago goes first.
Knows no Discord: a line is a line.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from sys import getsizeof
from time import time

from bot.around import Heard
from bot.keeping import keep
from bot.prompt import cut

LINES_A_CHANNEL = 30
CHANNELS = 2000
LINKS = 500
MAX_BYTES = 8 * 2**20
LINE_BYTES = 600
"""What a line takes beside its text: ids, a name, and Python's own."""
LINE_MAX_CHARS = 600
MAX_AGE_S = 7 * 86_400.0


@dataclass(slots=True)
class _Channel:
    lines: dict[int, Heard] = field(default_factory=dict)
    """By id, oldest first."""
    gone: set[int] = field(default_factory=set)
    """Deleted lately: a history that is on its way may still have them."""
    whole: bool = False
    """What was said before this process listened is known, too."""


class Overheard:
    """Every channel's last lines; those of the bot itself are only found by their id."""

    def __init__(self, max_age_s: float = MAX_AGE_S, max_bytes: int = MAX_BYTES) -> None:
        self._max_age_s = min(max_age_s, MAX_AGE_S)
        self._max_bytes = max_bytes
        self._channels: dict[int, _Channel] = {}
        self._links: dict[int, Heard] = {}
        """Older messages that somebody replied to, by id."""
        self._bytes = 0

    @property
    def size_bytes(self) -> int:
        """About what all of it takes."""
        return self._bytes

    def note(self, channel_id: int, *lines: Heard) -> None:
        """Keep lines; ids tell their order, whenever they come."""
        channel = self._channels.pop(channel_id, None) or _Channel()
        self._channels[channel_id] = channel
        newest = next(reversed(channel.lines), 0)
        for line in lines:
            line_id = int(line.message_id)
            if line_id in channel.gone:
                continue
            self._put(channel, line_id, line)
            if line_id < newest:
                channel.lines = dict(sorted(channel.lines.items()))
            newest = max(newest, line_id)
        while len(channel.lines) > LINES_A_CHANNEL:
            self._take(channel, next(iter(channel.lines)))
        while len(self._channels) > CHANNELS or self._bytes > self._max_bytes:
            self.drop(next(iter(self._channels)))

    def before(self, channel_id: int, message_id: int) -> Iterator[Heard]:
        """What others said before a message, and the bot where its words began a thread (whose
        id is that of the message it was started from)."""
        channel = self._channels.get(channel_id)
        oldest_ms = (time() - self._max_age_s) * 1000
        for line_id, line in channel.lines.items() if channel else ():
            shown = not line.own or line_id <= channel_id
            if line_id < message_id and shown and line.at_ms > oldest_ms:
                yield line

    def line(self, channel_id: int, message_id: int) -> Heard | None:
        channel = self._channels.get(channel_id)
        found = channel.lines.get(message_id) if channel else None
        return found or self._links.get(message_id)

    def note_link(self, line: Heard) -> None:
        """Keep a message that was looked up: further replies to it lead there again."""
        keep(self._links, int(line.message_id), _short(line), LINKS)

    def edit(self, channel_id: int, line: Heard) -> None:
        """A line reads otherwise now, also where it began a thread."""
        line_id = int(line.message_id)
        if line_id in self._links:
            self.note_link(line)
        for place in (channel_id, line_id):
            channel = self._channels.get(place)
            if channel is not None and line_id in channel.lines:
                self._put(channel, line_id, line)

    def delete(self, channel_id: int, message_ids: Collection[int]) -> None:
        for message_id in message_ids:
            self._links.pop(message_id, None)
            for place in (channel_id, message_id):
                channel = self._channels.get(place)
                if channel is not None:
                    self._take(channel, message_id)
                    if not channel.whole:
                        channel.gone.add(message_id)

    def forget(self, author_id: str) -> None:
        """Nothing that this author said is kept."""
        self._links = {i: line for i, line in self._links.items() if line.author_id != author_id}
        for channel in self._channels.values():
            for line_id in [i for i, line in channel.lines.items() if line.author_id == author_id]:
                self._take(channel, line_id)

    def drop(self, channel_id: int) -> None:
        """Nothing of this channel is kept."""
        channel = self._channels.pop(channel_id, None)
        for line_id in list(channel.lines) if channel else ():
            assert channel is not None
            self._take(channel, line_id)

    def clear(self) -> None:
        self._channels.clear()
        self._links.clear()
        self._bytes = 0

    def is_whole(self, channel_id: int) -> bool:
        channel = self._channels.get(channel_id)
        return channel is not None and channel.whole

    def make_whole(self, channel_id: int, lines: Iterable[Heard] = ()) -> None:
        """The history came, or never will: nobody need ask for it again. What is kept already
        is newer than what comes."""
        here = self._channels.setdefault(channel_id, _Channel())
        self.note(channel_id, *(one for one in lines if int(one.message_id) not in here.lines))
        here.whole = True
        here.gone.clear()

    def _put(self, channel: _Channel, line_id: int, line: Heard) -> None:
        line = _short(line)
        before = channel.lines.get(line_id)
        self._bytes += _size(line) - (_size(before) if before else 0)
        channel.lines[line_id] = line

    def _take(self, channel: _Channel, line_id: int) -> None:
        line = channel.lines.pop(line_id, None)
        if line is not None:
            self._bytes -= _size(line)


def _short(line: Heard) -> Heard:
    return replace(line, text=cut(line.text, LINE_MAX_CHARS))


def _size(line: Heard) -> int:
    return LINE_BYTES + getsizeof(line.text)
