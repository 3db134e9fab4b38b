"""REST: public threads: starting, joining, changing and deleting them."""

from __future__ import annotations

from aiohttp import web

from tests.fakes.discord import errors, payloads
from tests.fakes.discord.answers import json_answer, no_content
from tests.fakes.discord.bodies import read_json
from tests.fakes.discord.errors import Json, invalid_field
from tests.fakes.discord.messages import Messages
from tests.fakes.discord.nouns import PUBLIC_THREAD, TEXT_CHANNEL, Channel, Thread, User
from tests.fakes.discord.permissions import Permission
from tests.fakes.discord.world import World

ARCHIVE_MINUTES = (60, 1440, 4320, 10080)
CHANGEABLE = {"name", "archived", "locked", "auto_archive_duration"}


class Threads:
    def __init__(self, world: World, messages: Messages) -> None:
        self.world = world
        self.messages = messages
        self.life = messages.threads

    async def start_from_message(self, request: web.Request) -> web.Response:
        message = self.messages.message_named(request, Permission.CREATE_PUBLIC_THREADS)
        body = self._checked(await read_json(request), message.channel)
        if message.id in self.world.channels:
            raise errors.has_a_thread_already()
        minutes = body.get("auto_archive_duration") or 1440
        thread = self.messages.start_thread(
            self.world.bot, message.channel, body["name"], message, minutes
        )
        return json_answer(payloads.thread(thread, self.world), 201)

    async def start_alone(self, request: web.Request) -> web.Response:
        channel = self.messages.channel_named(request, Permission.CREATE_PUBLIC_THREADS)
        body = self._checked(await read_json(request), channel)
        if body.get("type") != PUBLIC_THREAD:
            raise NotImplementedError("The fake knows public threads only.")
        minutes = body.get("auto_archive_duration") or 1440
        thread = self.messages.start_thread(
            self.world.bot, channel, body["name"], archive_minutes=minutes
        )
        return json_answer(payloads.thread(thread, self.world), 201)

    async def join(self, request: web.Request) -> web.Response:
        self.life.add(self._active(request), self._user(request))
        return no_content()

    async def leave(self, request: web.Request) -> web.Response:
        thread, user = self._active(request), self._user(request)
        if user is not self.world.bot and not self._moderates(thread):
            raise errors.missing_permissions()
        self.life.remove(thread, user)
        return no_content()

    async def change(self, request: web.Request) -> web.Response:
        thread = self._thread(request)
        changes = await read_json(request)
        self.messages.oddities |= set(changes) - CHANGEABLE
        if "name" in changes or "auto_archive_duration" in changes:
            check_thread({"name": thread.name} | changes)
        if not self._may_change(thread, changes):
            raise errors.missing_permissions()
        if thread.archived and changes.get("archived", True):
            raise errors.thread_is_archived()
        self.life.change(thread, changes)
        return json_answer(payloads.thread(thread, self.world))

    async def delete(self, request: web.Request) -> web.Response:
        thread = self._thread(request)
        if not self._moderates(thread):
            raise errors.missing_permissions()
        self.life.delete(thread)
        return json_answer(payloads.thread(thread, self.world))

    async def active(self, request: web.Request) -> web.Response:
        guild_id = request.match_info["guild_id"]
        guild = next((one for one in self.world.guilds if one.id == guild_id), None)
        if guild is None or not self.world.bot_is_in(guild):
            raise errors.missing_access()
        threads = self.world.active_threads(guild)
        members = [
            payloads.thread_member(one, self.world.bot)
            for one in threads
            if self.world.bot in one.members
        ]
        shown = [payloads.thread(one, self.world) for one in threads]
        return json_answer({"threads": shown, "members": members})

    def _checked(self, body: Json, channel: Channel) -> Json:
        if channel.kind != TEXT_CHANNEL:
            raise errors.wrong_channel_type()
        check_thread(body)
        return body

    def _may_change(self, thread: Thread, changes: Json) -> bool:
        """To wake one it is enough to be in it; the owner does what doesn't lock."""
        if self._moderates(thread):
            return True
        if set(changes) == {"archived"} and changes["archived"] is False:
            return self.world.bot in thread.members and not thread.locked
        return thread.owner is self.world.bot and "locked" not in changes

    def _moderates(self, thread: Thread) -> bool:
        may = self.world.permissions(self.world.bot, thread)
        return bool(may & Permission.MANAGE_THREADS)

    def _thread(self, request: web.Request) -> Thread:
        thread = self.messages.channel_named(request)
        if not isinstance(thread, Thread):
            raise errors.wrong_channel_type()
        return thread

    def _active(self, request: web.Request) -> Thread:
        thread = self._thread(request)
        if thread.archived:
            raise errors.thread_is_archived()
        return thread

    def _user(self, request: web.Request) -> User:
        user_id = request.match_info["user_id"]
        user = self.world.bot if user_id == "@me" else self.world.users.get(user_id)
        if user is None:
            raise errors.unknown_user()
        return user


def check_thread(body: Json) -> None:
    """Raises ApiError 50035 for a shape Discord refuses."""
    name = body.get("name")
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= 100:
        raise invalid_field("name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
    if (body.get("auto_archive_duration") or 1440) not in ARCHIVE_MINUTES:
        raise invalid_field(
            "auto_archive_duration", "BASE_TYPE_CHOICES", "Value must be one of the known ones."
        )
