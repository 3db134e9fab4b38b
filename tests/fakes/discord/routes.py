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

Handler = Callable[[web.Request], Awaitable[web.Response]]
Route = tuple[str, str, str, Handler]

CHANNEL = "/channels/{channel_id}"
MESSAGE = CHANNEL + "/messages/{message_id}"
COMMANDS = "/applications/{application_id}/commands"
FOLLOW_UP = "/webhooks/{application_id}/{interaction_token}"
ORIGINAL = FOLLOW_UP + "/messages/@original"


def of(
    messages: Messages, threads: Threads, commands: Commands, interactions: Interactions
) -> list[Route]:
    return [
        *_of_messages(messages),
        *_of_threads(threads),
        ("commands", "GET", COMMANDS, commands.get),
        ("commands", "PUT", COMMANDS, commands.overwrite),
        *_of_interactions(interactions),
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
    callback = "/interactions/{interaction_id}/{interaction_token}/callback"
    return [
        ("open callback", "POST", callback, interactions.callback),
        ("open follow up", "POST", FOLLOW_UP, interactions.follow_up),
        ("open original", "GET", ORIGINAL, interactions.get_original),
        ("open original", "PATCH", ORIGINAL, interactions.edit_original),
        ("open original", "DELETE", ORIGINAL, interactions.delete_original),
    ]
