"""How every message of anybody comes to be, changes and goes; each is told to the gateway."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tests.fakes.discord import validation
from tests.fakes.discord.components import numbered
from tests.fakes.discord.errors import Json
from tests.fakes.discord.gateway import Gateway
from tests.fakes.discord.nouns import (
    DIRECT_MESSAGE,
    REPLY,
    THREAD_STARTER,
    Channel,
    File,
    Message,
    Text,
    Thread,
    User,
)
from tests.fakes.discord.sessions import Intent
from tests.fakes.discord.thread_life import ThreadLife
from tests.fakes.discord.world import World


class Posting:
    def __init__(self, world: World, gateway: Gateway) -> None:
        self.world = world
        self.gateway = gateway
        self.threads = ThreadLife(world, gateway)

    def post(
        self,
        author: User,
        channel: Channel,
        content: str,
        *,
        reply_to: Message | None = None,
        allowed_mentions: Json | None = None,
        webhook_id: str | None = None,
        files: Sequence[File] = (),
        more: Json | None = None,
    ) -> Message:
        """A message of anybody, told to the gateway."""
        body: Json = {"content": content, "allowed_mentions": allowed_mentions, "files": files}
        message = self.make(author, channel, body, reply_to)
        message.webhook_id = webhook_id
        message.more = more or {}
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
            components=numbered(body.get("components") or []),
            attachments=[self.world.attach(one, channel) for one in body.get("files") or ()],
        )
        validation.settle_mentions(message, body.get("allowed_mentions"), self.world)
        return message

    def publish(self, message: Message) -> Message:
        if isinstance(message.channel, Thread):
            by_webhook = message.webhook_id is not None
            self.threads.said_in(message.channel, message.author, by_webhook=by_webhook)
        self.world.messages.append(message)
        message.channel.last_message_id = message.id
        self.gateway.dispatch_message("MESSAGE_CREATE", message)
        self.world.changed()
        return message

    def change(self, message: Message, body: Json) -> None:
        if body.get("content") is not None:
            message.texts.append(Text(body["content"], time.monotonic()))
        if body.get("flags") is not None:
            message.flags = body["flags"] | message.flags & ~validation.SETTABLE_FLAGS
        if "components" in body:
            message.components = numbered(body["components"] or [])
        self._change_attachments(message, body)
        already_pinged = message.pinged
        validation.settle_mentions(message, body.get("allowed_mentions"), self.world)
        message.pinged = already_pinged  # an edit notifies nobody
        if message.only_for is None:
            self.gateway.dispatch_message("MESSAGE_UPDATE", message)
        self.world.changed()

    def start_thread(
        self,
        owner: User,
        parent: Channel,
        name: str,
        message: Message | None = None,
        archive_minutes: int = 1440,
    ) -> Thread:
        """One started from a message begins with a message that only points to that one."""
        thread = self.threads.start(owner, parent, name, message, archive_minutes)
        if message is not None:
            starter = self.make(owner, thread, {}, message)
            starter.type = THREAD_STARTER
            starter.mentions, starter.pinged = [], set()
            self.publish(starter)
        return thread

    def remove(self, message: Message) -> None:
        message.deleted = True
        if message.only_for is not None:
            self.world.changed()
            return
        self._tell_gone("MESSAGE_DELETE", {"id": message.id}, message.channel)

    def remove_all(self, messages: Sequence[Message]) -> None:
        for message in messages:
            message.deleted = True
        ids = [message.id for message in messages]
        self._tell_gone("MESSAGE_DELETE_BULK", {"ids": ids}, messages[0].channel)

    def _tell_gone(self, event: str, which: Json, channel: Channel) -> None:
        data = which | {"channel_id": channel.id}
        direct = channel.kind == DIRECT_MESSAGE
        if not direct:
            data["guild_id"] = channel.guild_id
        needs = Intent.DIRECT_MESSAGES if direct else Intent.GUILD_MESSAGES
        if self.gateway.sees(channel):
            self.gateway.dispatch(event, data, needs)
        self.world.changed()

    def _change_attachments(self, message: Message, body: Json) -> None:
        """The `attachments` of an edit are those that stay; new files are added."""
        if body.get("attachments") is not None:
            kept = {str(one["id"]) for one in body["attachments"]}
            message.attachments = [one for one in message.attachments if one.id in kept]
        new = [self.world.attach(one, message.channel) for one in body.get("files") or ()]
        message.attachments = message.attachments + new
