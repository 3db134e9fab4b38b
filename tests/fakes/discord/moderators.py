"""What those who run a server do: people, roles, channels, permissions, the bot's presence."""

from __future__ import annotations

from tests.fakes.discord import payloads
from tests.fakes.discord.messages import Messages
from tests.fakes.discord.nouns import (
    TEXT_CHANNEL,
    Channel,
    Guild,
    Role,
    Thread,
    User,
    Webhook,
)
from tests.fakes.discord.permissions import NOTHING, Overwrite, Permission
from tests.fakes.discord.sessions import Intent
from tests.fakes.discord.sight import Sight
from tests.fakes.discord.webhooks import Webhooks


class Moderators(Sight):
    """Connected bots are told by the events that Discord sends. Without `guild`: the first one."""

    messages: Messages
    webhooks: Webhooks

    # -- servers and people ---------------------------------------------------------------

    def guild(
        self, name: str, owner: User | None = None, *, shard: tuple[int, int] | None = None
    ) -> Guild:
        """A further server with the bot in it; `shard` (number, of how many) picks its id."""
        guild_id = None if shard is None else self.world.snowflakes.on_shard(*shard)
        guild = self.world.add_guild(name, owner or self.world.owner, guild_id)
        self.world.add_channel("general", guild)
        self.adds_bot_to(guild)
        return guild

    def adds_bot_to(self, guild: Guild) -> None:
        if not self.world.bot_is_in(guild):
            self.world.let_in(self.bot, guild)
            self.gateway.dispatch_guild(guild)

    def removes_bot_from(self, guild: Guild) -> None:
        self.world.throw_out_bot(guild)
        self.gateway.dispatch_guild(guild)

    def person(self, name: str, *, administrator: bool = False, bot: bool = False) -> User:
        """A member of the first guild."""
        person = self.world.add_person(name, bot=bot)
        self.joins(person, self.world.guild)
        if administrator:
            self.gives(person, self.role("Administrator", Permission.ADMINISTRATOR))
        return person

    def joins(self, person: User, guild: Guild) -> None:
        self.world.let_in(person, guild)
        self.gateway.dispatch_member("GUILD_MEMBER_ADD", person, guild)

    # -- roles ----------------------------------------------------------------------------

    @property
    def bot_role(self) -> Role:
        """The bot's own role in the first guild."""
        return next(one for one in self.world.guild.roles if one.bot_id == self.bot.id)

    def role(
        self, name: str, permissions: Permission = NOTHING, guild: Guild | None = None
    ) -> Role:
        """A role by its name, made where there is none."""
        guild = guild or self.world.guild
        for role in guild.roles:
            if role.name == name:
                return role
        role = Role(self.world.snowflakes.next(), name, permissions)
        guild.roles.append(role)
        self._tell_role("GUILD_ROLE_CREATE", role)
        return role

    def gives(self, person: User, role: Role) -> None:
        guild = self.world.guild_of_role(role)
        member = guild.member(person)
        assert member is not None, f"{person.display_name} is not in {guild.name}"
        if role not in member.roles:
            member.roles.append(role)
            self.gateway.dispatch_member("GUILD_MEMBER_UPDATE", person, guild)

    def takes(self, person: User, role: Role) -> None:
        guild = self.world.guild_of_role(role)
        member = guild.member(person)
        assert member is not None, f"{person.display_name} is not in {guild.name}"
        member.roles.remove(role)
        self.gateway.dispatch_member("GUILD_MEMBER_UPDATE", person, guild)

    def grants(self, role: Role, permission: Permission) -> None:
        """In the whole server."""
        self._set_permissions(role, role.permissions | permission)

    def revokes(self, role: Role, permission: Permission) -> None:
        self._set_permissions(role, role.permissions & ~permission)

    def _set_permissions(self, role: Role, permissions: Permission) -> None:
        guild = self.world.guild_of_role(role)
        hidden = [one for one in guild.channels if not self.gateway.sees(one)]
        role.permissions = permissions
        self._tell_role("GUILD_ROLE_UPDATE", role)
        self._sync_threads(guild, hidden)

    def _tell_role(self, event: str, role: Role) -> None:
        guild = self.world.guild_of_role(role)
        data = payloads.role(role, guild.roles.index(role))
        self.gateway.dispatch(event, {"guild_id": guild.id, "role": data}, Intent.GUILDS)

    # -- channels -------------------------------------------------------------------------

    def channel(self, name: str, guild: Guild | None = None, kind: int = TEXT_CHANNEL) -> Channel:
        """A new channel: a text one, or a VOICE_CHANNEL, or a FORUM."""
        channel = self.world.add_channel(name, guild or self.world.guild)
        channel.kind = kind
        self.gateway.dispatch("CHANNEL_CREATE", payloads.channel(channel), Intent.GUILDS)
        return channel

    def deletes_channel(self, channel: Channel) -> None:
        if isinstance(channel, Thread):
            self.messages.threads.delete(channel)
            return
        data = payloads.channel(channel)
        self.world.delete_channel(channel)
        self.gateway.dispatch("CHANNEL_DELETE", data, Intent.GUILDS)

    def forbids(
        self, channel: Channel, permission: Permission, whom: Role | User | None = None
    ) -> None:
        """Takes a permission there from everyone (the bot included), a role or a member."""
        overwrite = self._overwrite(channel, whom)
        overwrite.deny |= permission
        overwrite.allow &= ~permission
        self.gateway.dispatch("CHANNEL_UPDATE", payloads.channel(channel), Intent.GUILDS)

    def allows(
        self, channel: Channel, permission: Permission, whom: Role | User | None = None
    ) -> None:
        """Gives it there to everyone, a role or a member."""
        hidden = [] if self.gateway.sees(channel) else [channel]
        overwrite = self._overwrite(channel, whom)
        overwrite.allow |= permission
        overwrite.deny &= ~permission
        self.gateway.dispatch("CHANNEL_UPDATE", payloads.channel(channel), Intent.GUILDS)
        assert channel.guild is not None
        self._sync_threads(channel.guild, hidden)

    def makes_webhook(self, person: User, name: str, channel: Channel | None = None) -> Webhook:
        return self.webhooks.make(person, channel or self.general, name)

    def deletes_webhook(self, webhook: Webhook) -> None:
        self.webhooks.remove(webhook)

    def _overwrite(self, channel: Channel, whom: Role | User | None) -> Overwrite:
        assert channel.guild_id is not None
        key = channel.guild_id if whom is None else whom.id
        kind = 1 if isinstance(whom, User) else 0
        return channel.overwrites.setdefault(key, Overwrite(key, kind))

    def _sync_threads(self, guild: Guild, hidden: list[Channel]) -> None:
        """Threads of channels that the bot gained sight of."""
        gained = [one for one in hidden if self.gateway.sees(one) and not one.deleted]
        if not gained:
            return
        threads = [one for one in self.world.active_threads(guild) if one.parent in gained]
        data = {
            "guild_id": guild.id,
            "channel_ids": [one.id for one in gained],
            "threads": [payloads.thread(one, self.world) for one in threads],
            "members": [
                payloads.thread_member(one, self.bot) for one in threads if self.bot in one.members
            ],
        }
        self.gateway.dispatch("THREAD_LIST_SYNC", data, Intent.GUILDS)
