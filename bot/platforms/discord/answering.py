"""The answers under way: begun one by one, waited for at the end, then cut off."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

import discord

from bot.errors import UnderstudyError
from bot.messages import Incoming, Reply

from .delivery import Outbox
from .files import Files
from .reply import EDIT_EVERY_S, DiscordReply

log = logging.getLogger(__name__)

DRAIN_S = 19.0
"""The conversation itself cuts off who is too slow, earlier; this is for what it lost sight of."""
FAREWELL_S = 1.0


class Answers(Protocol):
    """What is asked of the conversation here."""

    async def answer(self, incoming: Incoming, reply: Reply) -> None: ...


class Answering:
    """Hands messages to the conversation and knows which answers are not finished yet."""

    def __init__(
        self,
        conversation: Answers,
        files: Files,
        edit_every_s: float = EDIT_EVERY_S,
        outbox: Callable[[discord.Message], Outbox] = Outbox,
    ) -> None:
        self._conversation = conversation
        self._files = files
        self._outbox = outbox
        self._edit_every_s = edit_every_s
        self._under_way: set[asyncio.Task[None]] = set()
        self._begun: dict[str, tuple[asyncio.Task[None], DiscordReply]] = {}
        """By the message that is answered."""
        self._stopping = asyncio.Event()

    async def answer(self, incoming: Incoming, message: discord.Message) -> None:
        """Nothing new is begun while stopping."""
        reply = DiscordReply(self._outbox(message), self._edit_every_s)
        self.begin(incoming, reply, message if message.attachments else None)

    def begin(
        self, incoming: Incoming, reply: DiscordReply, with_files: discord.Message | None = None
    ) -> None:
        """Answer through this reply; files are read first, and hold up nobody else."""
        if self._stopping.is_set():
            return
        task = asyncio.create_task(self._answer(incoming, reply, with_files))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        said = incoming.message_id
        self._begun[said] = task, reply
        task.add_done_callback(lambda _: self._begun.pop(said, None))

    def withdraw(self, message_ids: Iterable[int]) -> None:
        """Messages are gone: those that still wait for their turn are not answered."""
        for message_id in message_ids:
            task, reply = self._begun.get(str(message_id), (None, None))
            if task is not None and reply is not None and reply.persona is None:
                reply.unwanted = True
                task.cancel()

    async def drain(self, drain_s: float = DRAIN_S, farewell_s: float = FAREWELL_S) -> None:
        """Lets answers finish; what still runs after `drain_s` is stopped and says so."""
        self._stopping.set()
        if not self._under_way:
            return
        log.info("finishing %d answers on Discord", len(self._under_way))
        _, late = await asyncio.wait(self._under_way, timeout=drain_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=farewell_s)

    async def _answer(
        self, incoming: Incoming, reply: DiscordReply, with_files: discord.Message | None
    ) -> None:
        try:
            if with_files is not None:
                read = await self._files.read(with_files)
                incoming = replace(incoming, text=f"{incoming.text}\n{read.words}".strip())
                reply.notes = read.notes
            await self._conversation.answer(incoming, reply)
        except Exception:
            # A mistake of ours: the log has all of it, and the person is not left waiting.
            log.exception("an answer on Discord broke off")
            if not reply.finished:
                await reply.finish(UnderstudyError.spoken, UnderstudyError())
        finally:
            reply.close()
        if reply.passes_after_s is not None:
            await self._take_away(reply, reply.passes_after_s)

    async def _take_away(self, reply: DiscordReply, after_s: float) -> None:
        """A notice passes by itself; what is still there at the end goes with the process."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), after_s)
        await reply.take_away()
