"""What becomes of messages afterwards: edits and deletions reach memory, in their order.

Discord tells of every change of any message, and memory knows few of them. Bots are nobody to
talk to, so their edits cost memory nothing; above all this one's, whose answers grow by edits.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import discord

from bot.errors import MemoryGone
from bot.feedback import Feedback
from bot.floor import Lines
from bot.memory import Memory
from bot.messages import as_remembered
from bot.scenes import Scenes

from .answering import Answering
from .files import Files
from .hearing import Hearing
from .listening import conversation_of, readable

log = logging.getLogger(__name__)


class Changes:
    """Carries changes to memory; while Redis is away they are lost, with a line in the log."""

    def __init__(
        self,
        memory: Memory,
        feedback: Feedback,
        scenes: Scenes,
        hearing: Hearing,
        answering: Answering,
        files: Files,
    ) -> None:
        self._memory = memory
        self._feedback = feedback
        self._scenes = scenes
        self._hearing = hearing
        self._answering = answering
        self._files = files
        self._lines = Lines()

    async def edited(self, me: discord.abc.User, message: discord.Message) -> None:
        """A message changed; its text may be the same (links get previews, pins are set)."""
        self._hearing.edited(me, message)
        if message.edited_at is None or message.author.bot or message.webhook_id is not None:
            return
        where = conversation_of(message.channel.id)
        async with self._in_order(where):
            text = readable(me, message)
            if message.attachments:
                text = f"{text}\n{(await self._files.read(message)).words}".strip()
            self._scenes.edit(where, str(message.id), text)
            await self._memory.edit(where, str(message.id), text)
            await self._feedback.revise(where, {str(message.id): as_remembered(text)})

    async def deleted(self, channel_id: int, message_ids: Collection[int]) -> None:
        """Messages of anybody are gone; an answer goes with any of its parts, and what waits for
        an answer gets none."""
        self._hearing.deleted(channel_id, message_ids)
        self._answering.withdraw(message_ids)
        where, ids = conversation_of(channel_id), list(map(str, message_ids))
        self._scenes.delete(where, ids)
        async with self._in_order(where):
            await self._memory.delete(where, ids)
            await self._feedback.revise(where, dict.fromkeys(ids))

    @asynccontextmanager
    async def _in_order(self, conversation: str) -> AsyncIterator[None]:
        with self._lines.of(conversation) as line:
            async with line.door:
                try:
                    yield
                except MemoryGone:
                    log.warning("a message changed on Discord, and memory could not be told")
