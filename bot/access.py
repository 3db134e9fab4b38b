"""Who may talk to the bot: the owner's own list, then what the people of a place chose.

Knows ids only, of whatever platform; who may choose is the platform's.
"""

from __future__ import annotations

from collections.abc import Iterable

from .errors import NotOperator, NotWelcome
from .places import Places, PlaceSettings

BARRED = "The owner of this bot does not let me answer you."
BLOCKED = "I may not answer you here: the administrators of this server decided so."
BLOCKED_CHANNEL = "I may not answer in this channel: the administrators of this server decided so."
NOT_ON_THE_LIST = "Here I answer only those whom the administrators of this server allowed."


class Access:
    """Asked before a person is listened to, in every message and every command."""

    def __init__(
        self, places: Places, barred: Iterable[str] = (), operators: Iterable[str] = ()
    ) -> None:
        """`barred` are people whom the owner lets nobody answer, anywhere; `operators` alone may
        change what all places share, where there are any."""
        self._places = places
        self._barred = frozenset(barred)
        self._operators = frozenset(operators)

    def check_operates(self, author_id: str) -> None:
        """Raises NotOperator."""
        if self._operators and author_id not in self._operators:
            raise NotOperator

    def barred(self, author_id: str) -> NotWelcome | None:
        """Why this person is answered nowhere at all, None for everybody else."""
        return NotWelcome(spoken=BARRED) if author_id in self._barred else None

    async def refusal(
        self, author_id: str, roles: Iterable[str], around: tuple[str, ...]
    ) -> NotWelcome | None:
        """Why a person with these roles is not answered in the places `around`, narrowest first;
        None for who is welcome. No trip to Redis but for places never seen before."""
        if refusal := self.barred(author_id):
            return refusal
        here = await self._places.glance(*around)
        if reason := _reason(here, {author_id, *roles}, around):
            return NotWelcome(spoken=reason)
        return None


def _reason(here: PlaceSettings, who: set[str], around: tuple[str, ...]) -> str | None:
    if here.blocked:
        if not who.isdisjoint(here.blocked):
            return BLOCKED
        if not set(around).isdisjoint(here.blocked):
            return BLOCKED_CHANNEL
    if here.allowed_channels and set(around).isdisjoint(here.allowed_channels):
        return BLOCKED_CHANNEL
    if here.allowed and who.isdisjoint(here.allowed):
        return NOT_ON_THE_LIST
    return None
