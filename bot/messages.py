"""What passes between a platform and the conversation: a message in, a reply out.

Knows no platform and no store; every platform speaks in these two types.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message of a person that is meant for the bot.

    `conversation` is "discord:123" or "terminal:…" (one place where turns happen), `author_id`
    is "discord:42"; `message_id` is unique in its conversation, whoever delivers it how often.
    """

    conversation: str
    message_id: str
    author_id: str
    author_name: str
    text: str
    roles: tuple[str, ...] = ()
    """Ids of what the author is in `server`: "discord:role:5"."""
    server: str | None = None
    """The community that the conversation belongs to ("discord:server:1"); None in private."""


def waiting_line(ahead: int) -> str:
    """What somebody reads while so many others are before them."""
    match ahead:
        case 0:
            return "I am busy right now. One moment, please …"
        case 1:
            return "I am busy right now: 1 person is before you."
    return f"I am busy right now: {ahead} people are before you."


class Reply(Protocol):
    """Where the answer to one message appears.

    Every call may raise the platform's own errors; the conversation lets them pass on after it
    has settled its own state.
    """

    async def working(self) -> None:
        """Show that an answer is coming, until the first draft or the end; called at most once."""

    async def waiting(self, ahead: int) -> None:
        """Show that the model is busy, in `waiting_line`'s words, until the first draft."""

    async def draft(self, text: str) -> None:
        """Show the whole text so far; the calls are paced already."""

    async def finish(self, text: str) -> None:
        """Show the final text; called exactly once, failures included."""

    async def notice(self, text: str, for_s: float) -> None:
        """Instead of all else: show something that is of no use any more after `for_s`."""
