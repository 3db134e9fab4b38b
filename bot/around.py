"""What people see around a message beside what is remembered: others' lines, what it replies to.

Only shapes: a platform fills them, `context` finds their place in the window. None of it is ever
written to a store.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heard:
    """One message as people see it in their channel."""

    message_id: str
    author_id: str
    author_name: str
    text: str
    at_ms: int
    """When it was said, in milliseconds since 1970 by the platform's clock."""
    person: bool = True
    """False: a machine speaks, which never asks to be forgotten."""
    own: bool = False
    """The bot's own words; the name says whose, and "" that they are whoever speaks now."""
    replies_to: str | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """`media_type` is what its bytes are, whatever it is called."""

    media_type: str
    data: bytes

    @property
    def url(self) -> str:
        return f"data:{self.media_type};base64,{b64encode(self.data).decode()}"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look around found."""

    heard: tuple[Heard, ...] = ()
    """Said in this place before the message, oldest first; what is remembered may be among it,
    and shows where the rest belongs."""
    chain: tuple[Heard, ...] = ()
    """What the message replies to, last, and before it what that replied to."""
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class Around:
    """The surroundings of one message, looked at when it is its turn."""

    authors: frozenset[str]
    """People whose lines are at hand already; a look may find others."""
    look: Callable[[], Awaitable[Seen]]
    """Takes its platform's short time at most, and never fails."""
