"""REST: webhooks of channels, made, listed, changed and deleted; see webhook_messages."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from aiohttp import web

from tests.fakes.discord import errors, payloads
from tests.fakes.discord.answers import json_answer, no_content
from tests.fakes.discord.bodies import read_json
from tests.fakes.discord.errors import Json, invalid_field
from tests.fakes.discord.messages import Messages
from tests.fakes.discord.nouns import FORUM, TEXT_CHANNEL, VOICE_CHANNEL, Channel, User, Webhook
from tests.fakes.discord.permissions import Permission
from tests.fakes.discord.sessions import Intent
from tests.fakes.discord.world import World

KINDS_WITH_WEBHOOKS = (TEXT_CHANNEL, VOICE_CHANNEL, FORUM)
MAX_PER_CHANNEL = 15
MAX_NAME = 80
FORBIDDEN_IN_NAMES = ("clyde", "discord")
CHANGEABLE = {"name", "avatar", "channel_id"}


class Webhooks:
    """Every webhook there is; those of the bot are owned by its application."""

    def __init__(self, world: World, messages: Messages, application_id: str) -> None:
        self.world = world
        self.messages = messages
        self.application_id = application_id
        self.all: dict[str, Webhook] = {}

    # -- routes ---------------------------------------------------------------------------

    async def create(self, request: web.Request) -> web.Response:
        channel = self.messages.channel_named(request, Permission.MANAGE_WEBHOOKS)
        if channel.kind not in KINDS_WITH_WEBHOOKS:
            raise errors.wrong_channel_type()
        body = await read_json(request)
        check_name(body.get("name"), "name")
        if len(self.of(channel)) >= MAX_PER_CHANNEL:
            raise errors.too_many_webhooks()
        webhook = self.make(self.world.bot, channel, body["name"])
        return json_answer(payloads.webhook(webhook))

    async def of_channel(self, request: web.Request) -> web.Response:
        channel = self.messages.channel_named(request, Permission.MANAGE_WEBHOOKS)
        return _listed(self.of(channel))

    async def of_guild(self, request: web.Request) -> web.Response:
        guild_id = request.match_info["guild_id"]
        there = [one for one in self.all.values() if one.channel.guild_id == guild_id]
        for webhook in there:
            self._check_managed(webhook)
        return _listed(one for one in there if not one.channel.deleted)

    async def get(self, request: web.Request) -> web.Response:
        webhook = self.named(request)
        if webhook.application_id != self.application_id:
            self._check_managed(webhook)
        return json_answer(payloads.webhook(webhook))

    async def get_by_token(self, request: web.Request) -> web.Response:
        return json_answer(_without_user(self.trusted(request)))

    async def change(self, request: web.Request) -> web.Response:
        webhook = self.named(request)
        self._check_managed(webhook)
        self._change(webhook, await read_json(request))
        return json_answer(payloads.webhook(webhook))

    async def change_by_token(self, request: web.Request) -> web.Response:
        webhook, changes = self.trusted(request), await read_json(request)
        self._change(webhook, {name: changes[name] for name in changes if name != "channel_id"})
        return json_answer(_without_user(webhook))

    async def delete(self, request: web.Request) -> web.Response:
        webhook = self.named(request)
        self._check_managed(webhook)
        self.remove(webhook)
        return no_content()

    async def delete_by_token(self, request: web.Request) -> web.Response:
        self.remove(self.trusted(request))
        return no_content()

    # -- what happens to webhooks ---------------------------------------------------------

    def make(self, creator: User, channel: Channel, name: str) -> Webhook:
        webhook = Webhook(
            self.world.snowflakes.next(),
            name,
            channel,
            token=secrets.token_urlsafe(51),
            creator=creator,
            application_id=self.application_id if creator is self.world.bot else None,
        )
        self.all[webhook.id] = webhook
        self._tell(channel)
        return webhook

    def remove(self, webhook: Webhook) -> None:
        del self.all[webhook.id]
        self._tell(webhook.channel)

    def of(self, channel: Channel) -> list[Webhook]:
        return [one for one in self.all.values() if one.channel is channel]

    def _change(self, webhook: Webhook, changes: Json) -> None:
        self.messages.oddities |= set(changes) - CHANGEABLE
        if "name" in changes:
            check_name(changes["name"], "name")
            webhook.name = changes["name"]
        if "channel_id" in changes:
            self._move(webhook, str(changes["channel_id"]))
        self._tell(webhook.channel)

    def _move(self, webhook: Webhook, channel_id: str) -> None:
        channel = self.world.channels.get(channel_id)
        if channel is None or channel.deleted or channel.guild is not webhook.channel.guild:
            raise errors.unknown_channel()
        webhook.channel = channel

    def _tell(self, channel: Channel) -> None:
        data = {"guild_id": channel.guild_id, "channel_id": channel.id}
        if self.messages.gateway.sees(channel):
            self.messages.gateway.dispatch("WEBHOOKS_UPDATE", data, Intent.GUILD_WEBHOOKS)
        self.world.changed()

    # -- what a request names -------------------------------------------------------------

    def named(self, request: web.Request) -> Webhook:
        """A deleted channel takes its webhooks with it."""
        webhook = self.all.get(request.match_info["webhook_id"])
        if webhook is None or webhook.channel.deleted:
            raise errors.unknown_webhook()
        return webhook

    def trusted(self, request: web.Request) -> Webhook:
        """By its token, which needs nothing else."""
        webhook = self.named(request)
        if webhook.token != request.match_info["webhook_token"]:
            raise errors.invalid_webhook_token()
        return webhook

    def _check_managed(self, webhook: Webhook) -> None:
        may = self.world.permissions(self.world.bot, webhook.channel)
        if not may & Permission.MANAGE_WEBHOOKS:
            raise errors.missing_permissions()


def check_name(name: object, path: str) -> None:
    """Raises ApiError 50035; also for the name of a single message."""
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= MAX_NAME:
        raise invalid_field(path, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 80 in length.")
    for word in FORBIDDEN_IN_NAMES:
        if word in name.lower():
            raise invalid_field(
                path, "USERNAME_INVALID_CONTAINS", f'Username cannot contain "{word}"'
            )


def _listed(webhooks: Iterable[Webhook]) -> web.Response:
    return json_answer([payloads.webhook(one) for one in webhooks])


def _without_user(webhook: Webhook) -> Json:
    data = payloads.webhook(webhook)
    del data["user"]
    return data
