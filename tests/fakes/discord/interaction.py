"""One interaction, from the person's act to what came of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from tests.fakes.discord import payloads
from tests.fakes.discord.errors import Json
from tests.fakes.discord.nouns import EPHEMERAL, Channel, Message, User
from tests.fakes.discord.world import World

COMMAND, COMPONENT, AUTOCOMPLETE, SUBMIT = 2, 3, 4, 5
REPLY_WITH_MESSAGE, DEFER, DEFER_UPDATE, UPDATE, SUGGEST, MODAL = 4, 5, 6, 7, 8, 9
LOADING = 1 << 7


@dataclass(eq=False)
class Interaction:
    """One use of a command, a button, a menu or a modal, and what the person saw come of it.

    `about` is the message that the button hangs under, `updates` whether that one is the answer.
    """

    id: str
    token: str
    kind: int
    user: User
    channel: Channel
    world: World = field(repr=False)
    about: Message | None = None
    on_menu: bool = False
    updates: bool = False
    created_at_s: float = field(default_factory=time.monotonic)
    acknowledged_at_s: float | None = None
    deferred: bool = False
    original: Message | None = None
    followups: list[Message] = field(default_factory=list)
    choices: list[Json] | None = None
    modal: Json | None = None

    @property
    def acknowledged_after_s(self) -> float | None:
        at_s = self.acknowledged_at_s
        return None if at_s is None else at_s - self.created_at_s

    @property
    def ephemeral(self) -> bool:
        return self.original is not None and bool(self.original.flags & EPHEMERAL)

    @property
    def text(self) -> str | None:
        """What the answer says; None while there is none, or while it is "thinking"."""
        if self.original is None or self.updates or self.original.flags & LOADING:
            return None
        return self.original.content

    async def answer(self, within_s: float = 5.0) -> str:
        """The text of the answer; AssertionError where none comes ("did not respond")."""
        if not await self.world.until(lambda: self.text is not None, within_s):
            raise AssertionError(f"The application did not respond within {within_s:g} s.")
        assert self.text is not None
        return self.text

    async def taken(self, within_s: float = 3.0) -> None:
        """Until the bot acknowledged it; AssertionError where it doesn't ("failed")."""
        if not await self.world.until(lambda: self.acknowledged_at_s is not None, within_s):
            raise AssertionError("This interaction failed.")

    async def opens(self, within_s: float = 3.0) -> Json:
        """The modal it opened."""
        await self.taken(within_s)
        if self.modal is None:
            raise AssertionError("No modal was opened.")
        return self.modal

    def answers_with(self, kind: int) -> bool:
        """Whether a callback of that type fits."""
        match self.kind:
            case 2:
                return kind in (REPLY_WITH_MESSAGE, DEFER, MODAL)
            case 3:
                return kind in (REPLY_WITH_MESSAGE, DEFER, DEFER_UPDATE, UPDATE, MODAL)
            case 4:
                return kind == SUGGEST
            case 5 if self.about is not None:
                return kind in (REPLY_WITH_MESSAGE, DEFER, DEFER_UPDATE, UPDATE)
            case _:
                return kind in (REPLY_WITH_MESSAGE, DEFER)

    def metadata(self) -> Json:
        """As the messages that answer it carry it."""
        data: Json = {
            "id": self.id,
            "type": self.kind,
            "user": payloads.user(self.user),
            "authorizing_integration_owners": {"0": self.channel.guild_id or "0"},
        }
        if self.about is not None and self.kind == COMPONENT:
            data["interacted_message_id"] = self.about.id
        return data
