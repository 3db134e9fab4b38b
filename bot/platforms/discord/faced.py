"""An outbox in which a persona speaks with its own face; the bot itself where there is none.

Knows what a webhook lacks: no reply, so a jump line leads the answer; no nonce, so a send whose
answer was lost is looked for before it is made again.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from time import monotonic

import discord
from discord.ui import View
from discord.utils import MISSING

from bot.cards import Persona

from .delivery import PAUSES_S, Outbox
from .errors import FAILURES, FaceGone, PlaceGone, Undeliverable
from .faces import Face, Faces
from .jumping import answered_id, jump_line, leading

log = logging.getLogger(__name__)

REPEATED_AFTER_S = 1.0
"""discord.py repeats a send by itself so long after a 5xx, even if it had happened."""
NOT_FOUND = 404
LOST = (401, 403, NOT_FOUND)
"""What an edit through a webhook is answered that the bot can't use any more."""
LOOKED_BACK = 50
"""A message that may be there already is looked for among so many."""


class FacedOutbox(Outbox):
    """Decides once for an answer whether it has a face; one that is lost is not sought again."""

    def __init__(
        self,
        faces: Faces,
        to: discord.Message | discord.abc.MessageableChannel,
        persona: Persona | None = None,
        pauses_s: tuple[float, ...] = PAUSES_S,
        asker: discord.User | discord.Member | None = None,
    ) -> None:
        super().__init__(to, pauses_s, asker)
        self._faces = faces
        self._face: Face | None = None
        self._name: str | None = None
        """Of who speaks, whether there is a face to show it or not."""
        self._decided = False
        self._lead = ""
        self._used: dict[int, discord.Webhook] = {}
        self._said: set[int] = set()
        self._after = self._asked.id if self._asked else _newest_id(self._channel)
        if persona is not None:
            self.speak_as(persona)

    def speak_as(self, persona: Persona | None) -> None:
        self._face = Face.of(persona) if persona is not None else None
        self._name = self._face.name if self._face is not None else None
        self._decided = False
        if self._face is not None:
            self._faces.look_ahead(self._channel)

    async def lead_chars(self) -> int:
        if self._face is not None and not self._decided:
            self._decided = True
            if await self._webhook() is None:
                self._face = None
            elif self._asked is not None:
                self._lead = jump_line(self._asked)
        return len(self._lead)

    async def post(self, text: str, *, as_reply: bool, view: View | None = None) -> discord.Message:
        await self.lead_chars()
        led = self._lead + text if as_reply else text
        for _ in range(2):  # once more where the webhook was deleted in between
            webhook = await self._webhook()
            if webhook is None or self._face is None:
                break
            try:
                return await self._say(webhook, self._face, led, view)
            except (Undeliverable, discord.HTTPException) as error:
                if _status(error) >= 500 or _status(error) == 429:
                    raise  # it may be there all the same
                log.warning("a face is refused in %s: %s", self._place, error)
                self._faces.forget(self._channel)
                if not isinstance(error, Undeliverable):
                    break
        self._face = None
        return await super().post(text, as_reply=as_reply, view=view)

    async def edit(
        self, message: discord.Message, text: str, *, view: View | None = MISSING
    ) -> discord.Message:
        if message.webhook_id is None:
            self._face = None  # what began as the bot's own goes on so
            return await super().edit(message, text, view=view)
        if self._is_anothers(message):  # a face can't change any more
            return await self._anew(message, text, view)
        lead = leading(message.content)
        try:
            webhook = await self._maker_of(message)
            await self._attempt(
                lambda: webhook.edit_message(
                    message.id,
                    content=lead + text,
                    allowed_mentions=self._pings,
                    view=view,
                    thread=self._thread,
                )
            )
        except (Undeliverable, discord.HTTPException) as error:
            if isinstance(error, PlaceGone) or _status(error) not in LOST:
                raise
            log.warning("an answer in %s goes on in a new message: %s", self._place, error)
            self._faces.forget(self._channel)
            return await self._anew(message, text, view)
        return message

    async def delete(self, message: discord.Message) -> None:
        if message.webhook_id is None:
            return await super().delete(message)
        try:
            webhook = await self._maker_of(message)
            await self._attempt(lambda: webhook.delete_message(message.id, thread=self._thread))
        except FaceGone:
            await self._delete_as_bot(message)

    async def _webhook(self) -> discord.Webhook | None:
        return None if self._face is None else await self._faces.webhook(self._channel)

    async def _maker_of(self, message: discord.Message) -> discord.Webhook:
        """The webhook of a message, also of one from before a restart. Raises FaceGone."""
        webhook = self._used.get(message.webhook_id or 0) or await self._faces.own(self._channel)
        if webhook is None or webhook.id != message.webhook_id:
            raise FaceGone("its webhook is not there any more")
        return webhook

    async def _say(
        self, webhook: discord.Webhook, face: Face, text: str, view: View | None
    ) -> discord.Message:
        tried = False

        async def once() -> discord.Message:
            nonlocal tried
            if tried and (found := await self._found(webhook, text)):
                return found
            tried = True
            return await webhook.send(
                text,
                username=face.name,
                avatar_url=face.avatar or _own_avatar(webhook),
                allowed_mentions=self._pings,
                suppress_embeds=True,
                view=view or MISSING,
                thread=self._thread,
                wait=True,
            )

        began_s = monotonic()
        message = await self._attempt(once)
        if message.channel.id != self._channel.id:
            with suppress(*FAILURES):
                await webhook.delete_message(message.id)
            raise FaceGone("somebody gave its webhook to another channel")
        self._used[webhook.id] = webhook
        self._said.add(message.id)
        if monotonic() - began_s >= REPEATED_AFTER_S:
            with suppress(*FAILURES):
                if double := await self._found(webhook, text):
                    await webhook.delete_message(double.id, thread=self._thread)
        return message

    async def _found(self, webhook: discord.Webhook, text: str) -> discord.Message | None:
        """What was said although the answer to it was lost, or an error."""
        async for message in self._channel.history(limit=LOOKED_BACK):
            if message.id <= self._after:
                break
            same = message.webhook_id == webhook.id and message.content == text
            if same and message.id not in self._said:
                return message
        return None

    def _is_anothers(self, message: discord.Message) -> bool:
        """Whether it has the face of another persona than the one who speaks now."""
        return self._name not in (None, message.author.name) and message.id not in self._said

    async def _anew(
        self, message: discord.Message, text: str, view: View | None
    ) -> discord.Message:
        """The whole text in a new message, which answers what the old one did; that one goes,
        where the bot may delete it."""
        await self.lead_chars()
        self._lead = leading(message.content)
        if (asked := answered_id(message)) is not None:
            self._reference = discord.MessageReference(
                message_id=asked,
                channel_id=message.channel.id,
                guild_id=message.guild.id if message.guild is not None else None,
                fail_if_not_exists=False,
            )
        new = await self.post(
            text, as_reply=bool(self._lead), view=None if view is MISSING else view
        )
        with suppress(Undeliverable, *FAILURES):
            await self.delete(message)
        return new

    async def _delete_as_bot(self, message: discord.Message) -> None:
        with suppress(*FAILURES):
            await self._as_bot(message).delete()

    def _as_bot(self, message: discord.Message) -> discord.PartialMessage:
        assert not isinstance(self._channel, discord.GroupChannel)  # bots are in none
        return self._channel.get_partial_message(message.id)

    @property
    def _thread(self) -> discord.Thread:
        """What webhooks must be told of a thread; MISSING elsewhere."""
        thread: discord.Thread = MISSING
        return self._channel if isinstance(self._channel, discord.Thread) else thread


def _status(error: Exception) -> int:
    return error.status if isinstance(error, discord.HTTPException) else NOT_FOUND


def _own_avatar(webhook: discord.Webhook) -> str:
    """The bot's picture, for personas that have none."""
    nothing: str = MISSING
    return webhook.guild.me.display_avatar.url if webhook.guild is not None else nothing


def _newest_id(channel: discord.abc.MessageableChannel) -> int:
    return getattr(channel, "last_message_id", None) or 0
