"""Which request goes where: a name for its limits, a method, a path, a handler.

A route whose name begins with "open" needs no bot token.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from tests.fakes.discord.commands import Commands
from tests.fakes.discord.interactions import Interactions
from tests.fakes.discord.messages import Messages
from tests.fakes.discord.threads import Threads
from tests.fakes.discord.webhook_messages import WebhookMessages
from tests.fakes.discord.webhooks import Webhooks

Handler = Callable[[web.Request], Awaitable[web.Response]]
Route = tuple[str, str, str, Handler]

CHANNEL = "/channels/{channel_id}"
MESSAGE = CHANNEL + "/messages/{message_id}"
COMMANDS = "/applications/{application_id}/commands"
WEBHOOK = "/webhooks/{webhook_id}"
TRUSTED = WEBHOOK + "/{webhook_token}"


def of(
    messages: Messages,
    threads: Threads,
    webhooks: Webhooks,
    commands: Commands,
    interactions: Interactions,
) -> list[Route]:
    return [
        *_of_messages(messages),
        *_of_threads(threads),
        ("commands", "GET", COMMANDS, commands.get),
        ("commands", "PUT", COMMANDS, commands.overwrite),
        *_of_interactions(interactions),  # before the webhooks, whose paths look the same
        *_of_webhooks(webhooks),
        *_of_webhook_messages(WebhookMessages(messages.world, webhooks, messages)),
    ]


def _of_messages(messages: Messages) -> list[Route]:
    return [
        ("direct", "POST", "/users/@me/channels", messages.open_direct),
        ("channel", "GET", CHANNEL, messages.get_channel),
        ("typing", "POST", CHANNEL + "/typing", messages.type),
        ("send", "POST", CHANNEL + "/messages", messages.create),
        ("history", "GET", CHANNEL + "/messages", messages.history),
        ("message", "GET", MESSAGE, messages.get),
        ("edit", "PATCH", MESSAGE, messages.edit),
        ("delete", "DELETE", MESSAGE, messages.delete),
    ]


def _of_threads(threads: Threads) -> list[Route]:
    member = CHANNEL + "/thread-members/{user_id}"
    return [
        ("start thread", "POST", MESSAGE + "/threads", threads.start_from_message),
        ("start thread", "POST", CHANNEL + "/threads", threads.start_alone),
        ("join thread", "PUT", member, threads.join),
        ("leave thread", "DELETE", member, threads.leave),
        ("change channel", "PATCH", CHANNEL, threads.change),
        ("delete channel", "DELETE", CHANNEL, threads.delete),
        ("active threads", "GET", "/guilds/{guild_id}/threads/active", threads.active),
    ]


def _of_interactions(interactions: Interactions) -> list[Route]:
    follow_up = f"/webhooks/{interactions.application_id}/{{interaction_token}}"
    answer = follow_up + "/messages/{message_id}"
    callback = "/interactions/{interaction_id}/{interaction_token}/callback"
    return [
        ("open callback", "POST", callback, interactions.callback),
        ("open follow up", "POST", follow_up, interactions.follow_up),
        ("open original", "GET", answer, interactions.get),
        ("open original", "PATCH", answer, interactions.edit),
        ("open original", "DELETE", answer, interactions.delete),
    ]


def _of_webhooks(webhooks: Webhooks) -> list[Route]:
    return [
        ("create webhook", "POST", CHANNEL + "/webhooks", webhooks.create),
        ("webhooks", "GET", CHANNEL + "/webhooks", webhooks.of_channel),
        ("webhooks", "GET", "/guilds/{guild_id}/webhooks", webhooks.of_guild),
        ("get webhook", "GET", WEBHOOK, webhooks.get),
        ("change webhook", "PATCH", WEBHOOK, webhooks.change),
        ("delete webhook", "DELETE", WEBHOOK, webhooks.delete),
        ("open get webhook", "GET", TRUSTED, webhooks.get_by_token),
        ("open change webhook", "PATCH", TRUSTED, webhooks.change_by_token),
        ("open delete webhook", "DELETE", TRUSTED, webhooks.delete_by_token),
    ]


def _of_webhook_messages(messages: WebhookMessages) -> list[Route]:
    message = TRUSTED + "/messages/{message_id}"
    return [
        ("open webhook", "POST", TRUSTED, messages.execute),
        ("open webhook message", "GET", message, messages.get),
        ("open webhook edit", "PATCH", message, messages.edit),
        ("open webhook delete", "DELETE", message, messages.delete),
    ]
