"""REST: channels, messages, typing."""

from __future__ import annotations

import time

from aiohttp import web

from tests.fakes.discord import errors, message_payloads, payloads, validation
from tests.fakes.discord.answers import json_answer, no_content
from tests.fakes.discord.bodies import read_json
from tests.fakes.discord.errors import Json
from tests.fakes.discord.gateway import Gateway, blank, readable
from tests.fakes.discord.nouns import Channel, Message, Thread
from tests.fakes.discord.permissions import NOTHING, Permission
from tests.fakes.discord.posting import Posting
from tests.fakes.discord.sessions import Intent
from tests.fakes.discord.world import World

NONCE_REMEMBERED_S = 120.0
MAX_HISTORY = 100


class Messages(Posting):
    """The message routes."""

    def __init__(self, world: World, gateway: Gateway) -> None:
        super().__init__(world, gateway)
        self.typings: list[tuple[Channel, float]] = []
        self.oddities: set[str] = set()

    # -- routes ---------------------------------------------------------------------------

    async def get_channel(self, request: web.Request) -> web.Response:
        return json_answer(payloads.place(self.channel_named(request), self.world))

    async def open_direct(self, request: web.Request) -> web.Response:
        body = await read_json(request)
        person = self.world.users.get(str(body.get("recipient_id")))
        if person is None or person is self.world.bot:
            raise errors.unknown_user()
        return json_answer(payloads.channel(self.world.direct_channel(person)))

    async def type(self, request: web.Request) -> web.Response:
        channel = self.speaking_in(request)
        self.typings.append((channel, time.monotonic()))
        self.world.changed()
        return no_content()

    async def create(self, request: web.Request) -> web.Response:
        channel = self.speaking_in(request)
        if channel.recipient is not None and channel.recipient.closed_to_messages:
            raise errors.closed_to_messages()
        body = await read_json(request)
        self.oddities |= validation.unknown_fields(body, validation.CREATE_FIELDS)
        validation.check_create(body)
        if body.get("files") and not self._may(channel, Permission.ATTACH_FILES):
            raise errors.missing_permissions()
        message = self._same_nonce(body) or self._created(channel, body)
        return json_answer(message_payloads.message(message, self.world))

    async def edit(self, request: web.Request) -> web.Response:
        message = self.message_named(request)
        body = await read_json(request)
        self.oddities |= validation.unknown_fields(body, validation.EDIT_FIELDS)
        if message.author is not self.world.bot:
            raise errors.not_the_author()
        if isinstance(message.channel, Thread) and message.channel.archived:
            raise errors.thread_is_archived()
        validation.check_edit(body)
        self.change(message, body)
        return json_answer(message_payloads.message(message, self.world))

    async def delete(self, request: web.Request) -> web.Response:
        message = self.message_named(request)
        may = self._may(message.channel, Permission.MANAGE_MESSAGES)
        if message.author is not self.world.bot and not may:
            raise errors.missing_permissions()
        self.remove(message)
        return no_content()

    async def get(self, request: web.Request) -> web.Response:
        return json_answer(
            self._shown(self.message_named(request, Permission.READ_MESSAGE_HISTORY))
        )

    async def history(self, request: web.Request) -> web.Response:
        """Newest first. `before`, `after` and `around` exclude each other."""
        channel = self.channel_named(request)
        limit = int(request.query.get("limit", 50))
        if not 1 <= limit <= MAX_HISTORY:
            raise errors.invalid_field("limit", "NUMBER_TYPE_MAX", "Must be between 1 and 100.")
        anchors = [one for one in ("before", "after", "around") if one in request.query]
        if len(anchors) > 1:
            raise errors.invalid_field(anchors[1], "MUTUALLY_EXCLUSIVE", "Only one of them.")
        if not self._may(channel, Permission.READ_MESSAGE_HISTORY):
            return json_answer([])
        found = self.world.in_channel(channel)
        if anchors:
            found = _beside(found, anchors[0], int(request.query[anchors[0]]), limit)
        return json_answer([self._shown(one) for one in reversed(found[-limit:])])

    # -- what a request asks for ------------------------------------------------------------

    def _created(self, channel: Channel, body: Json) -> Message:
        reply_to = self._replied_to(channel, body.get("message_reference"))
        return self.publish(self.make(self.world.bot, channel, body, reply_to))

    def _same_nonce(self, body: Json) -> Message | None:
        nonce = body.get("nonce")
        if nonce is None or not body.get("enforce_nonce"):
            return None
        for message in reversed(self.world.messages):
            if message.author is self.world.bot and message.nonce == str(nonce):
                recent = time.monotonic() - message.texts[0].at_s < NONCE_REMEMBERED_S
                return message if recent else None
        return None

    def _replied_to(self, channel: Channel, reference: Json | None) -> Message | None:
        if reference is None:
            return None
        if not self._may(channel, Permission.READ_MESSAGE_HISTORY):
            raise errors.reply_needs_history()
        message = self.world.find_message(str(reference.get("message_id")))
        if message is None and reference.get("fail_if_not_exists", True):
            raise errors.invalid_field(
                "message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message"
            )
        return message

    # -- what a request names -------------------------------------------------------------

    def channel_named(self, request: web.Request, needs: Permission = NOTHING) -> Channel:
        channel = self.world.channels.get(request.match_info["channel_id"])
        if channel is None or channel.deleted:
            raise errors.unknown_channel()
        may = self.world.permissions(self.world.bot, channel)
        if not may & Permission.VIEW_CHANNEL:
            raise errors.missing_access()
        if needs & ~may:
            raise errors.missing_permissions()
        return channel

    def speaking_in(self, request: web.Request) -> Channel:
        """Threads have a permission to speak of their own; a locked one needs a moderator."""
        channel = self.channel_named(request)
        if not isinstance(channel, Thread):
            return self.channel_named(request, Permission.SEND_MESSAGES)
        if channel.locked and not self._may(channel, Permission.MANAGE_THREADS):
            raise errors.thread_is_locked()
        return self.channel_named(request, Permission.SEND_MESSAGES_IN_THREADS)

    def message_named(self, request: web.Request, needs: Permission = NOTHING) -> Message:
        channel = self.channel_named(request, needs)
        message = self.world.find_message(request.match_info["message_id"])
        if message is None or message.channel is not channel:
            raise errors.unknown_message()
        return message

    def _may(self, channel: Channel, needs: Permission) -> bool:
        return not needs & ~self.world.permissions(self.world.bot, channel)

    def _shown(self, message: Message) -> Json:
        """An application without the message content intent reads blanks here too."""
        data = message_payloads.message(message, self.world)
        approved = self.gateway.allowed_privileged & Intent.MESSAGE_CONTENT
        return data if approved or readable(message, self.world) else blank(data)


def _beside(found: list[Message], anchor: str, at: int, limit: int) -> list[Message]:
    """`found` is oldest first; around an id is half of the limit on either side of it."""
    older = [one for one in found if int(one.id) < at]
    newer = [one for one in found if int(one.id) > at]
    if anchor == "before":
        return older
    if anchor == "after":
        return newer[:limit]
    there = [one for one in found if int(one.id) == at]
    half = (limit - len(there)) // 2
    return older[len(older) - min(half, len(older)) :] + there + newer[: limit - len(there) - half]
