"""What those who run a server do: people, roles, channels, permissions."""

from __future__ import annotations

from tests.fakes.discord import payloads
from tests.fakes.discord.messages import Messages
from tests.fakes.discord.nouns import Channel, Role, Thread, User, Webhook
from tests.fakes.discord.permissions import NOTHING, Overwrite, Permission
from tests.fakes.discord.sessions import Intent
from tests.fakes.discord.sight import Sight
from tests.fakes.discord.webhooks import Webhooks


class Moderators(Sight):
    """Connected bots are told by the events that Discord sends."""

    messages: Messages
    webhooks: Webhooks

    def makes_webhook(self, person: User, name: str, channel: Channel | None = None) -> Webhook:
        return self.webhooks.make(person, channel or self.general, name)

    def deletes_webhook(self, webhook: Webhook) -> None:
        self.webhooks.remove(webhook)

    def person(self, name: str, *, administrator: bool = False, bot: bool = False) -> User:
        """A member of the first guild."""
        person = self.world.add_person(name, bot=bot)
        member = self.world.let_in(person, self.world.guild)
        if administrator:
            member.roles.append(self.role("Administrator", Permission.ADMINISTRATOR))
        return person

    def role(self, name: str, permissions: Permission = NOTHING) -> Role:
        """A role of the first guild by its name, made where there is none."""
        for role in self.world.guild.roles:
            if role.name == name:
                return role
        role = Role(self.world.snowflakes.next(), name, permissions)
        self.world.guild.roles.append(role)
        return role

    def channel(self, name: str) -> Channel:
        """A new text channel, told to connected bots."""
        channel = self.world.add_channel(name, self.world.guild)
        self.gateway.dispatch("CHANNEL_CREATE", payloads.channel(channel), Intent.GUILDS)
        return channel

    def deletes_channel(self, channel: Channel) -> None:
        if isinstance(channel, Thread):
            self.messages.threads.delete(channel)
            return
        data = payloads.channel(channel)
        self.world.delete_channel(channel)
        self.gateway.dispatch("CHANNEL_DELETE", data, Intent.GUILDS)

    def forbids(self, channel: Channel, permission: Permission) -> None:
        """Takes a permission from everyone without administrator rights, the bot included."""
        assert channel.guild_id is not None
        overwrite = channel.overwrites.setdefault(
            channel.guild_id, Overwrite(channel.guild_id, kind=0)
        )
        overwrite.deny |= permission
        self.gateway.dispatch("CHANNEL_UPDATE", payloads.channel(channel), Intent.GUILDS)
