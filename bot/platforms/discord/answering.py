"""The answers under way: begun one by one, stopped on request, waited for at the end, cut off."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

import discord

from bot.errors import StoppingNow, UnderstudyError
from bot.messages import Incoming, Reply
from bot.places import Places

from .delivery import Outbox
from .files import Files
from .listening import places_around
from .reply import EDIT_EVERY_S, DiscordReply, Shown

log = logging.getLogger(__name__)

DRAIN_S = 19.0
"""The conversation itself cuts off who is too slow, earlier; this is for what it lost sight of."""
FAREWELL_S = 1.0


class Answers(Protocol):
    """What is asked of the conversation here."""

    async def answer(self, incoming: Incoming, reply: Reply) -> None: ...


@dataclass(slots=True)
class UnderWay:
    """An answer that is not finished; `askers` are whom it is for."""

    conversation: str
    askers: frozenset[str]
    reply: DiscordReply
    task: asyncio.Task[None]
    message_id: str | None
    stopped: bool = False

    def stop(self) -> bool:
        """Whether there was something to stop."""
        if self.stopped or self.reply.finished:
            return False
        self.stopped = True
        self.task.cancel()
        return True


class Answering:
    """Hands messages to the conversation and knows which answers are not finished yet."""

    def __init__(
        self,
        conversation: Answers,
        places: Places,
        files: Files,
        edit_every_s: float = EDIT_EVERY_S,
        outbox: Callable[..., Outbox] = Outbox,
    ) -> None:
        """`outbox` makes one for a message, and for who asked where that is not its author."""
        self._conversation = conversation
        self._places = places
        self._files = files
        self._outbox = outbox
        self._edit_every_s = edit_every_s
        self._under_way: dict[asyncio.Task[None], UnderWay] = {}
        self._stopping = asyncio.Event()

    async def answer(self, incoming: Incoming, message: discord.Message) -> None:
        """Nothing new is begun while stopping."""
        reply = await self.reply_to(message)
        self.take(incoming, reply, message if message.attachments else None)

    async def reply_to(
        self,
        message: discord.Message,
        instead_of: Sequence[Shown] = (),
        asker: discord.User | discord.Member | None = None,
    ) -> DiscordReply:
        """Where the answer appears: as a reply, or in the place of what is shown already."""
        around = places_around(message.channel, message.guild)
        here = await self._places.glance(*around)  # looked at for every message heard
        return DiscordReply(
            self._outbox(message, asker=asker),
            self._edit_every_s,
            feedback=bool(here.feedback),
            instead_of=instead_of,
        )

    def take(
        self, incoming: Incoming, reply: DiscordReply, with_files: discord.Message | None = None
    ) -> None:
        """Answer through this reply; files are read first, and hold up nobody else."""
        answer, askers = self.see_through(incoming, reply, with_files), {incoming.author_id}
        with suppress(StoppingNow):
            self.begin(answer, incoming.conversation, askers, reply, incoming.message_id)

    def begin(
        self,
        answer: Coroutine[Any, Any, None],
        conversation: str,
        askers: set[str],
        reply: DiscordReply,
        message_id: str | None = None,
    ) -> None:
        """Raises StoppingNow. `message_id` is the message that goes unanswered when it goes."""
        if self._stopping.is_set():
            answer.close()
            raise StoppingNow
        task = asyncio.create_task(answer)
        under_way = UnderWay(conversation, frozenset(askers), reply, task, message_id)
        self._under_way[task] = under_way
        task.add_done_callback(self._under_way.pop)

    def withdraw(self, message_ids: Iterable[int]) -> None:
        """Messages are gone: those that still wait for their turn are not answered."""
        gone = set(map(str, message_ids))
        for one in self._under_way.values():
            if one.message_id in gone and one.reply.persona is None:
                one.reply.unwanted = True
                one.task.cancel()

    def showing(self, message_id: int) -> UnderWay | None:
        """The answer under way that this message shows a part of."""
        shown = str(message_id)
        return next((one for one in self._under_way.values() if shown in one.reply.shown_as), None)

    def stop(self, conversation: str, asker: str | None = None) -> int:
        """End what is being said there, to somebody or to anybody; how many answers that were."""
        here = [one for one in self._under_way.values() if one.conversation == conversation]
        return sum(one.stop() for one in here if asker is None or asker in one.askers)

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

    async def see_through(
        self,
        incoming: Incoming,
        reply: DiscordReply,
        with_files: discord.Message | None = None,
    ) -> None:
        """To the end, and further to the end of what passes by itself."""
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
