"""The answers under way: begun one by one, stopped on request, waited for at the end, cut off."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import discord

from bot.errors import StoppingNow, UnderstudyError
from bot.messages import Incoming, Reply
from bot.places import Places

from .delivery import Outbox
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
        self, conversation: Answers, places: Places, edit_every_s: float = EDIT_EVERY_S
    ) -> None:
        self._conversation = conversation
        self._places = places
        self._edit_every_s = edit_every_s
        self._under_way: dict[asyncio.Task[None], UnderWay] = {}
        self._stopping = asyncio.Event()

    async def answer(self, incoming: Incoming, message: discord.Message) -> None:
        """Nothing new is begun while stopping."""
        if self._stopping.is_set():
            return
        reply = await self.reply_to(message)
        answer, askers = self.see_through(incoming, reply), {incoming.author_id}
        with suppress(StoppingNow):
            self.begin(answer, incoming.conversation, askers, reply)

    async def reply_to(
        self, message: discord.Message, instead_of: Sequence[Shown] = ()
    ) -> DiscordReply:
        """Where the answer appears: as a reply, or in the place of what is shown already."""
        around = places_around(message.channel, message.guild)
        here = await self._places.glance(*around)  # looked at for every message heard
        return DiscordReply(
            Outbox(message),
            self._edit_every_s,
            feedback=bool(here.feedback),
            instead_of=instead_of,
        )

    def begin(
        self,
        answer: Coroutine[Any, Any, None],
        conversation: str,
        askers: set[str],
        reply: DiscordReply,
    ) -> None:
        """Raises StoppingNow."""
        if self._stopping.is_set():
            answer.close()
            raise StoppingNow
        task = asyncio.create_task(answer)
        self._under_way[task] = UnderWay(conversation, frozenset(askers), reply, task)
        task.add_done_callback(self._under_way.pop)

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

    async def see_through(self, incoming: Incoming, reply: DiscordReply) -> None:
        """To the end, and further to the end of what passes by itself."""
        try:
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
