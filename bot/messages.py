"""What passes between a platform and the conversation: a message in, a reply out.

Knows no platform and no store; every platform speaks in these two types.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .around import Around
from .cards import Persona
from .errors import UnderstudyError
from .prompt import cut

MESSAGE_MAX_CHARS = 16_000
WORDLESS = "…"
"""What an empty message is taken for: a mention alone wants an answer, too."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message of a person that is meant for the bot.

    `conversation` is "discord:123" or "terminal:…" (one place where turns happen), `author_id`
    is "discord:42"; `message_id` is unique in its conversation, whoever delivers it how often.
    `places` are the wider ones around the conversation, narrowest first ("discord:channel:5",
    "discord:server:1"): what is chosen there holds here, too.
    """

    conversation: str
    message_id: str
    author_id: str
    author_name: str
    text: str
    places: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    """Ids of what the author is in `server`: "discord:role:5"."""
    server: str | None = None
    """The community that the conversation belongs to ("discord:server:1"); None in private."""
    around: Around | None = None
    """What people see around it beside what is remembered; None: nothing."""


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

    async def working(self, persona: Persona) -> None:
        """Show that this persona's answer is coming, until the first draft or the end; called at
        most once, and not at all where it fails before anybody is known to speak."""

    async def waiting(self, ahead: int) -> None:
        """Show that the model is busy, in `waiting_line`'s words, until the first draft."""

    async def draft(self, text: str) -> None:
        """Show the whole text so far; the calls are paced already."""

    async def finish(self, text: str, failure: UnderstudyError | None = None) -> None:
        """Show the final text, which says of a failure what people should know of it; called
        exactly once."""

    async def withdraw(self) -> None:
        """Instead of all else: nothing is said to this message, and nothing of it stays shown."""

    async def notice(self, text: str, for_s: float) -> None:
        """Instead of all else: show something that is of no use any more after `for_s`."""

    @property
    def shown_as(self) -> tuple[str, ...]:
        """The platform's ids of the messages that show the answer, once it is finished."""


def as_remembered(text: str) -> str:
    """What is kept of a message, however long or empty it is."""
    return cut(text.strip(), MESSAGE_MAX_CHARS) or WORDLESS
