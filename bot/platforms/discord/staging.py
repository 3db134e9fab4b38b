"""Scenes on Discord: a channel as the stage, and what people say there meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import discord

from bot.cards import Persona
from bot.scenes import Scenes

from .delivery import Outbox
from .errors import FAILURES, Undeliverable
from .faced import FacedOutbox
from .faces import Faces
from .listening import SUBTEXT, conversation_of, incoming, is_a_persons
from .splitting import split

log = logging.getLogger(__name__)


class DiscordStage:
    """The `Stage` of a scene: lines with a face where there are faces, else with a name."""

    def __init__(self, channel: discord.abc.MessageableChannel, faces: Faces) -> None:
        self._channel = channel
        self._faces = faces

    @asynccontextmanager
    async def typing(self) -> AsyncIterator[None]:
        typing = asyncio.create_task(self._type())
        try:
            yield
        finally:
            typing.cancel()

    async def say(self, persona: Persona, text: str) -> str:
        named = f"**{discord.utils.escape_markdown(persona.display_name)}:** {text}"
        with _broken_means_undeliverable():
            faced = await self._faces.webhook(self._channel) is not None
            outbox = FacedOutbox(self._faces, self._channel, persona) if faced else self._own()
            shown = []
            for part in split(text if faced else named):
                message = await outbox.post(part, as_reply=False)
                shown.append(message.id)
                if faced and message.webhook_id is None:  # the face was lost just then
                    await outbox.edit(message, split(named)[0])
                    faced = False
        return str(shown[0])

    async def tell(self, text: str) -> None:
        with _broken_means_undeliverable():
            await self._own().post(
                f"{SUBTEXT}{discord.utils.escape_markdown(text)}", as_reply=False
            )

    def _own(self) -> Outbox:
        return Outbox(self._channel)

    async def _type(self) -> None:
        try:
            async with self._channel.typing():
                await asyncio.Event().wait()
        except FAILURES as error:
            log.debug("typing could not be shown: %s", error)


def takes_part(scenes: Scenes, me: discord.abc.User, message: discord.Message) -> bool:
    """Whether a message is for the scene in its channel alone; who names the bot asks the bot, and
    the scene hears that, too."""
    if not is_a_persons(message) or scenes.at(conversation_of(message.channel.id)) is None:
        return False
    said = incoming(me, message)
    if said.text:
        scenes.hear(said)
    # A reply to a line may mention the bot, too; what counts is what the person wrote.
    return me.id not in message.raw_mentions


@contextmanager
def _broken_means_undeliverable() -> Iterator[None]:
    try:
        yield
    except FAILURES as error:
        raise Undeliverable(f"Discord: {error}") from error
