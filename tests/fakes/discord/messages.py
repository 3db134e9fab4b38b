"""REST: channels, messages, typing."""

from __future__ import annotations

import time
from collections.abc import Iterator

from aiohttp import web

from tests.fakes.discord import errors, payloads, validation
from tests.fakes.discord.answers import json_answer, no_content
from tests.fakes.discord.errors import Json
from tests.fakes.discord.gateway import Gateway
from tests.fakes.discord.sessions import Intent
from tests.fakes.discord.world import (
    DIRECT_MESSAGE,
    NOTHING,
    Channel,
    Message,
    Permission,
    Text,
    User,
    World,
)

NONCE_REMEMBERED_S = 120.0
REPLY = 19


class Messages:
    """The message routes, and the way every message of anybody comes to be."""

    def __init__(self, world: World, gateway: Gateway) -> None:
        self.world = world
        self.gateway = gateway
        self.typings: list[tuple[Channel, float]] = []
        self.oddities: set[str] = set()

    # -- routes ---------------------------------------------------------------------------

    async def get_channel(self, request: web.Request) -> web.Response:
        return json_answer(payloads.channel(self._channel(request)))

    async def open_direct(self, request: web.Request) -> web.Response:
        body = await read_json(request)
        person = self.world.users.get(str(body.get("recipient_id")))
        if person is None or person is self.world.bot:
            raise errors.unknown_user()
        return json_answer(payloads.channel(self.world.direct_channel(person)))

    async def type(self, request: web.Request) -> web.Response:
        channel = self._channel(request, Permission.SEND_MESSAGES)
        self.typings.append((channel, time.monotonic()))
        self.world.changed()
        return no_content()

    async def create(self, request: web.Request) -> web.Response:
        channel = self._channel(request, Permission.SEND_MESSAGES)
        if channel.recipient is not None and channel.recipient.closed_to_messages:
            raise errors.closed_to_messages()
        body = await read_json(request)
        self.oddities |= validation.unknown_fields(body, validation.CREATE_FIELDS)
        validation.check_create(body)
        message = self._same_nonce(body) or self._created(channel, body)
        return json_answer(payloads.message(message, self.world))

    async def edit(self, request: web.Request) -> web.Response:
        message = self._message(request)
        body = await read_json(request)
        self.oddities |= validation.unknown_fields(body, validation.EDIT_FIELDS)
        if message.author is not self.world.bot:
            raise errors.not_the_author()
        validation.check_edit(body)
        self.change(message, body)
        return json_answer(payloads.message(message, self.world))

    async def delete(self, request: web.Request) -> web.Response:
        message = self._message(request)
        may = self.world.permissions(self.world.bot, message.channel)
        if message.author is not self.world.bot and not may & Permission.MANAGE_MESSAGES:
            raise errors.missing_permissions()
        self.remove(message)
        return no_content()

    async def get(self, request: web.Request) -> web.Response:
        return json_answer(payloads.message(self._message(request), self.world))

    async def history(self, request: web.Request) -> web.Response:
        channel = self._channel(request)
        limit = int(request.query.get("limit", 50))
        if not 1 <= limit <= 100:
            raise errors.invalid_field("limit", "NUMBER_TYPE_MAX", "Must be between 1 and 100.")
        if not self.world.permissions(self.world.bot, channel) & Permission.READ_MESSAGE_HISTORY:
            return json_answer([])
        found = list(
            self._between(channel, request.query.get("after"), request.query.get("before"))
        )
        found = found[:limit] if "after" in request.query else found[-limit:]
        return json_answer([payloads.message(one, self.world) for one in reversed(found)])

    def _between(
        self, channel: Channel, after: str | None, before: str | None
    ) -> Iterator[Message]:
        for message in self.world.in_channel(channel):
            if after is not None and int(message.id) <= int(after):
                continue
            if before is not None and int(message.id) >= int(before):
                continue
            yield message

    # -- how messages come to be ----------------------------------------------------------

    def post(
        self,
        author: User,
        channel: Channel,
        content: str,
        *,
        reply_to: Message | None = None,
        allowed_mentions: Json | None = None,
        webhook_id: str | None = None,
    ) -> Message:
        """A message of anybody, told to the gateway."""
        body: Json = {"content": content, "allowed_mentions": allowed_mentions}
        message = self.make(author, channel, body, reply_to)
        message.webhook_id = webhook_id
        return self.publish(message)

    def make(
        self, author: User, channel: Channel, body: Json, reply_to: Message | None = None
    ) -> Message:
        message = Message(
            id=self.world.snowflakes.next(),
            channel=channel,
            author=author,
            texts=[Text(body.get("content") or "", time.monotonic())],
            flags=body.get("flags") or 0,
            reply_to=reply_to.id if reply_to else None,
            nonce=None if body.get("nonce") is None else str(body["nonce"]),
            type=REPLY if reply_to else 0,
        )
        validation.settle_mentions(message, body.get("allowed_mentions"), self.world)
        return message

    def publish(self, message: Message) -> Message:
        self.world.messages.append(message)
        self.gateway.dispatch_message("MESSAGE_CREATE", message)
        self.world.changed()
        return message

    def change(self, message: Message, body: Json) -> None:
        if body.get("content") is not None:
            message.texts.append(Text(body["content"], time.monotonic()))
        if body.get("flags") is not None:
            message.flags = body["flags"] | message.flags & ~validation.SETTABLE_FLAGS
        already_pinged = message.pinged
        validation.settle_mentions(message, body.get("allowed_mentions"), self.world)
        message.pinged = already_pinged  # an edit notifies nobody
        self.gateway.dispatch_message("MESSAGE_UPDATE", message)
        self.world.changed()

    def remove(self, message: Message) -> None:
        message.deleted = True
        data: Json = {"id": message.id, "channel_id": message.channel.id}
        direct = message.channel.kind == DIRECT_MESSAGE
        if not direct:
            data["guild_id"] = message.channel.guild_id
        needs = Intent.DIRECT_MESSAGES if direct else Intent.GUILD_MESSAGES
        self.gateway.dispatch("MESSAGE_DELETE", data, needs)
        self.world.changed()

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
        if not self.world.permissions(self.world.bot, channel) & Permission.READ_MESSAGE_HISTORY:
            raise errors.reply_needs_history()
        message = self.world.find_message(str(reference.get("message_id")))
        if message is None and reference.get("fail_if_not_exists", True):
            raise errors.invalid_field(
                "message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message"
            )
        return message

    # -- what a request names -------------------------------------------------------------

    def _channel(self, request: web.Request, needs: Permission = NOTHING) -> Channel:
        channel = self.world.channels.get(request.match_info["channel_id"])
        if channel is None or channel.deleted:
            raise errors.unknown_channel()
        may = self.world.permissions(self.world.bot, channel)
        if not may & Permission.VIEW_CHANNEL:
            raise errors.missing_access()
        if needs & ~may:
            raise errors.missing_permissions()
        return channel

    def _message(self, request: web.Request) -> Message:
        channel = self._channel(request)
        message = self.world.find_message(request.match_info["message_id"])
        if message is None or message.channel is not channel:
            raise errors.unknown_message()
        return message


async def read_json(request: web.Request) -> Json:
    try:
        body = await request.json()
    except ValueError:
        raise errors.invalid_json() from None
    if not isinstance(body, dict):
        raise errors.invalid_json()
    return body
