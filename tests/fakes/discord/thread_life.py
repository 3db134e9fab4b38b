"""How threads come to be, sleep, wake and go, and who is in them; each told to the gateway."""

from __future__ import annotations

from tests.fakes.discord import payloads
from tests.fakes.discord.errors import Json
from tests.fakes.discord.gateway import Gateway
from tests.fakes.discord.nouns import Channel, Message, Thread, User
from tests.fakes.discord.sessions import Intent
from tests.fakes.discord.world import World, now

HAS_THREAD = 1 << 5


class ThreadLife:
    def __init__(self, world: World, gateway: Gateway) -> None:
        self.world = world
        self.gateway = gateway

    def start(
        self,
        owner: User,
        parent: Channel,
        name: str,
        message: Message | None = None,
        archive_minutes: int = 1440,
    ) -> Thread:
        """From a message (whose id it then shares) or alone; its owner is in it."""
        thread = self.world.add_thread(owner, parent, name, message, archive_minutes)
        self._tell("THREAD_CREATE", thread, {"newly_created": True})
        if message is not None:
            message.flags |= HAS_THREAD
            message.thread = thread
            self.gateway.dispatch_message("MESSAGE_UPDATE", message)
        self.add(thread, owner)
        return thread

    def add(self, thread: Thread, user: User) -> None:
        """Bots without the members intent are told of themselves only."""
        if user in thread.members:
            return
        thread.members.append(user)
        if user is self.world.bot:
            self._tell("THREAD_CREATE", thread)
            self._tell_members(thread, {"added_members": [self._added(thread, user)]})

    def remove(self, thread: Thread, user: User) -> None:
        if user not in thread.members:
            return
        thread.members.remove(user)
        if user is self.world.bot:
            self._tell_members(thread, {"removed_member_ids": [user.id]})

    def change(self, thread: Thread, changes: Json) -> None:
        """The fields of a PATCH."""
        was_archived = thread.archived
        thread.name = changes.get("name", thread.name)
        thread.locked = changes.get("locked", thread.locked)
        thread.archive_minutes = changes.get("auto_archive_duration", thread.archive_minutes)
        thread.archived = changes.get("archived", thread.archived)
        if thread.archived != was_archived or "auto_archive_duration" in changes:
            thread.archived_at = now()
        self._tell("THREAD_UPDATE", thread)
        if was_archived and not thread.archived and self.world.bot in thread.members:
            member = payloads.thread_member(thread, self.world.bot)
            self._dispatch("THREAD_MEMBER_UPDATE", thread, member | {"guild_id": thread.guild_id})

    def delete(self, thread: Thread) -> None:
        thread.deleted = True
        gone = {
            "id": thread.id,
            "guild_id": thread.guild_id,
            "parent_id": thread.parent.id,
            "type": thread.kind,
        }
        self._dispatch("THREAD_DELETE", thread, gone)

    def said_in(self, thread: Thread, author: User, *, by_webhook: bool) -> None:
        """A message wakes a thread, and whoever says something in it is in it."""
        if thread.archived:
            self.change(thread, {"archived": False})
        if not by_webhook:
            self.add(thread, author)

    def _tell(self, event: str, thread: Thread, more: Json | None = None) -> None:
        self._dispatch(event, thread, payloads.thread(thread, self.world) | (more or {}))

    def _tell_members(self, thread: Thread, who: Json) -> None:
        count = {"id": thread.id, "guild_id": thread.guild_id, "member_count": len(thread.members)}
        self._dispatch("THREAD_MEMBERS_UPDATE", thread, count | who)

    def _added(self, thread: Thread, user: User) -> Json:
        assert thread.guild is not None
        member = payloads.full_member(user, thread.guild)
        return payloads.thread_member(thread, user) | {"member": member, "presence": None}

    def _dispatch(self, event: str, thread: Thread, data: Json) -> None:
        if self.gateway.sees(thread):
            self.gateway.dispatch(event, data, Intent.GUILDS)
        self.world.changed()
