"""REST: what is said through a webhook, with a face of its own; only its token changes it."""

from __future__ import annotations

from aiohttp import web

from tests.fakes.discord import errors, message_payloads, validation
from tests.fakes.discord.answers import json_answer, no_content
from tests.fakes.discord.bodies import read_json
from tests.fakes.discord.components import LINK, interactive
from tests.fakes.discord.errors import Json, invalid_field
from tests.fakes.discord.messages import Messages
from tests.fakes.discord.nouns import FORUM, Channel, Face, Message, Thread, Webhook
from tests.fakes.discord.webhooks import Webhooks, check_name
from tests.fakes.discord.world import World

# No nonce and no message_reference: Discord documents neither for a webhook.
FIELDS = (validation.CREATE_FIELDS - {"nonce", "enforce_nonce", "message_reference"}) | {
    "username",
    "avatar_url",
}


class WebhookMessages:
    def __init__(self, world: World, webhooks: Webhooks, messages: Messages) -> None:
        self.world = world
        self.webhooks = webhooks
        self.messages = messages

    async def execute(self, request: web.Request) -> web.Response:
        webhook = self.webhooks.trusted(request)
        channel = self._channel(request, webhook)
        body = await read_json(request)
        self.messages.oddities |= validation.unknown_fields(body, FIELDS)
        body = {name: value for name, value in body.items() if name in FIELDS}
        _check_face(body)
        _check_components(body, webhook, request)
        validation.check_create(body)
        message = self.say(webhook, channel, body)
        if request.query.get("wait", "").lower() not in ("1", "true"):
            return no_content()
        return self._shown(message)

    async def get(self, request: web.Request) -> web.Response:
        return self._shown(self._message(request))

    async def edit(self, request: web.Request) -> web.Response:
        message = self._message(request)
        body = await read_json(request)
        self.messages.oddities |= validation.unknown_fields(body, validation.EDIT_FIELDS)
        validation.check_edit(body)
        if isinstance(message.channel, Thread) and message.channel.archived:
            raise errors.thread_is_archived()
        self.messages.change(message, body)
        return self._shown(message)

    async def delete(self, request: web.Request) -> web.Response:
        self.messages.remove(self._message(request))
        return no_content()

    def say(self, webhook: Webhook, channel: Channel, body: Json) -> Message:
        name = body.get("username") or webhook.name
        face = Face(webhook.id, name, name, bot=True, avatar_url=body.get("avatar_url"))
        message = self.messages.make(face, channel, body)
        message.webhook_id = webhook.id
        message.application_id = webhook.application_id
        return self.messages.publish(message)

    def _channel(self, request: web.Request, webhook: Webhook) -> Channel:
        """Its own channel, or with thread_id one of the threads in it."""
        thread_id = request.query.get("thread_id")
        if thread_id is None:
            if webhook.channel.kind == FORUM:
                raise errors.forum_needs_thread()
            return webhook.channel
        thread = self.world.channels.get(thread_id)
        if not isinstance(thread, Thread) or thread.deleted or thread.parent is not webhook.channel:
            raise errors.unknown_channel()
        return thread

    def _message(self, request: web.Request) -> Message:
        webhook = self.webhooks.trusted(request)
        channel = self._channel(request, webhook)
        message = self.world.find_message(request.match_info["message_id"])
        if message is None or message.webhook_id != webhook.id or message.channel is not channel:
            raise errors.unknown_message()
        return message

    def _shown(self, message: Message) -> web.Response:
        return json_answer(message_payloads.message(message, self.world))


def _check_components(body: Json, webhook: Webhook, request: web.Request) -> None:
    """A webhook that no application owns shows none, or with with_components only passive ones."""
    if webhook.application_id is not None:
        return
    if request.query.get("with_components", "").lower() not in ("1", "true"):
        body.pop("components", None)
    elif any(one.get("style") != LINK for one in interactive(body.get("components") or [])):
        raise invalid_field(
            "components", "WEBHOOK_COMPONENTS_NOT_ALLOWED", "This webhook can't have them."
        )


def _check_face(body: Json) -> None:
    if body.get("username") is not None:
        check_name(body["username"], "username")
    avatar_url = body.get("avatar_url")
    if avatar_url is not None and not str(avatar_url).startswith(("http://", "https://")):
        raise invalid_field("avatar_url", "URL_TYPE_INVALID_SCHEME", "Scheme must be http(s).")
