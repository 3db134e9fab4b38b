"""What a person in front of a real Discord client can do."""

from __future__ import annotations

import secrets
from typing import Any

from tests.fakes.discord import payloads
from tests.fakes.discord.commands import SUB_COMMAND, SUB_COMMAND_GROUP, Commands
from tests.fakes.discord.errors import Json
from tests.fakes.discord.gateway import Gateway
from tests.fakes.discord.interactions import AUTOCOMPLETE, COMMAND, Interaction, Interactions
from tests.fakes.discord.messages import Messages
from tests.fakes.discord.resolving import resolved, value_of
from tests.fakes.discord.sessions import Intent
from tests.fakes.discord.sight import Sight
from tests.fakes.discord.world import (
    DIRECT_MESSAGE,
    NOTHING,
    Channel,
    Message,
    Permission,
    Role,
    User,
    World,
)


class People(Sight):
    """The tests' hands; every act goes through the gateway as for real."""

    def __init__(
        self,
        world: World,
        gateway: Gateway,
        messages: Messages,
        commands: Commands,
        interactions: Interactions,
    ) -> None:
        super().__init__(world, gateway, world.add_channel("general"))
        self.messages = messages
        self.commands = commands
        self.interactions = interactions

    def person(self, name: str, *, administrator: bool = False, bot: bool = False) -> User:
        return self.world.add_person(name, administrator=administrator, bot=bot)

    def role(self, name: str, permissions: Permission = NOTHING) -> Role:
        """A new role; made before the bot comes online, or it will not know its name."""
        role = Role(self.world.snowflakes.next(), name, permissions)
        self.world.guild.roles.append(role)
        return role

    def channel(self, name: str) -> Channel:
        """A new text channel, told to connected bots."""
        channel = self.world.add_channel(name)
        self.gateway.dispatch("CHANNEL_CREATE", payloads.channel(channel), Intent.GUILDS)
        return channel

    def direct(self, person: User) -> Channel:
        return self.world.direct_channel(person)

    # -- acts -----------------------------------------------------------------------------

    def says(
        self,
        person: User,
        text: str,
        channel: Channel | None = None,
        *,
        reply_to: Message | None = None,
        ping: bool = True,
        webhook_id: str | None = None,
    ) -> Message:
        """A message as a client sends it; `ping` is the "@ ON" switch of a reply."""
        allowed: Json = {"parse": ["users", "roles", "everyone"], "replied_user": ping}
        return self.messages.post(
            person,
            channel or self.general,
            text,
            reply_to=reply_to,
            allowed_mentions=allowed,
            webhook_id=webhook_id,
        )

    def asks(self, person: User, text: str, channel: Channel | None = None) -> Message:
        """Says it with a mention of the bot in front."""
        return self.says(person, f"{self.bot.mention} {text}", channel)

    def deletes(self, message: Message) -> None:
        self.messages.remove(message)

    def deletes_channel(self, channel: Channel) -> None:
        data = payloads.channel(channel)
        channel.deleted = True
        self.gateway.dispatch("CHANNEL_DELETE", data, Intent.GUILDS)

    def forbids(self, channel: Channel, permission: Permission) -> None:
        """Takes a permission from everyone without administrator rights, the bot included."""
        channel.denied_to_bot |= permission
        self.gateway.dispatch("CHANNEL_UPDATE", payloads.channel(channel), Intent.GUILDS)

    def redeliver(self, message: Message) -> None:
        """The gateway tells a message once more ("at least once")."""
        self.gateway.dispatch_message("MESSAGE_CREATE", message)

    def uses(
        self,
        person: User,
        command: str,
        channel: Channel | None = None,
        /,
        *,
        forged: bool = False,
        **options: Any,
    ) -> Interaction:
        """A slash command ("persona switch", name="tom"), checked as a client checks it.

        `forged` leaves out the client's check of permissions: the bot must make it itself.
        """
        top, way = self.commands.find(command)
        channel = channel or self.general
        if not forged and not self._may_use(person, top, channel):
            raise PermissionError(f"/{command} is not shown to {person.display_name} here.")
        wanted = way[-1].get("options", [])
        _check_options(command, wanted, options)
        chosen = [
            {"type": one["type"], "name": one["name"], "value": value_of(options[one["name"]])}
            for one in wanted
            if one["name"] in options
        ]
        picked = resolved(options.values())
        return self._interact(COMMAND, person, channel, top, way, chosen, picked)

    async def autocompletes(
        self,
        person: User,
        command: str,
        channel: Channel | None = None,
        /,
        *,
        within_s: float = 3.0,
        **option: str,
    ) -> list[str]:
        """The values offered while the person types `option` (one, the focused one)."""
        top, way = self.commands.find(command)
        ((name, typed),) = option.items()
        wanted = next(one for one in way[-1]["options"] if one["name"] == name)
        assert wanted.get("autocomplete"), f"{name} has no autocomplete"
        focused = {"type": wanted["type"], "name": name, "value": typed, "focused": True}
        interaction = self._interact(
            AUTOCOMPLETE, person, channel or self.general, top, way, [focused]
        )
        if not await self.world.until(lambda: interaction.choices is not None, within_s):
            raise AssertionError("Loading options failed.")
        return [str(choice["value"]) for choice in interaction.choices or []]

    # -- interactions ---------------------------------------------------------------------

    def _may_use(self, person: User, top: Json, channel: Channel) -> bool:
        contexts = top.get("contexts")
        here = 1 if channel.kind == DIRECT_MESSAGE else 0
        if contexts is not None and here not in contexts:
            return False
        needed = int(top.get("default_member_permissions") or 0)
        has = self.world.permissions(person, channel)
        return bool(has & Permission.ADMINISTRATOR) or (has & needed) == needed

    def _interact(
        self,
        kind: int,
        person: User,
        channel: Channel,
        top: Json,
        way: list[Json],
        options: list[Json],
        picked: Json | None = None,
    ) -> Interaction:
        interaction = Interaction(
            self.world.snowflakes.next(), secrets.token_hex(32), kind, person, channel, self.world
        )
        self.interactions.remember(interaction)
        for step in reversed(way[1:]):
            assert step["type"] in (SUB_COMMAND, SUB_COMMAND_GROUP)
            options = [{"type": step["type"], "name": step["name"], "options": options}]
        data: Json = {"id": top["id"], "name": top["name"], "type": 1, "options": options}
        if picked:
            data["resolved"] = picked
        self.gateway.dispatch("INTERACTION_CREATE", self._payload(interaction, data))
        return interaction

    def _payload(self, interaction: Interaction, data: Json) -> Json:
        channel, person = interaction.channel, interaction.user
        permissions = self.world.permissions(person, channel)
        payload: Json = {
            "id": interaction.id,
            "application_id": self.interactions.application_id,
            "type": interaction.kind,
            "token": interaction.token,
            "version": 1,
            "data": data,
            "channel_id": channel.id,
            "channel": payloads.channel(channel) | {"permissions": str(int(permissions))},
            "locale": "en-US",
            "app_permissions": str(int(self.world.permissions(self.bot, channel))),
            "entitlements": [],
            "authorizing_integration_owners": {"0": self.world.guild.id},
            "context": 1 if channel.kind == DIRECT_MESSAGE else 0,
            "attachment_size_limit": 10_485_760,
        }
        if channel.kind == DIRECT_MESSAGE:
            return payload | {"user": payloads.user(person)}
        member = payloads.full_member(person) | {"permissions": str(int(permissions))}
        return payload | {
            "guild_id": self.world.guild.id,
            "guild": {"id": self.world.guild.id, "locale": "en-US", "features": []},
            "guild_locale": "en-US",
            "member": member,
        }


def _check_options(command: str, wanted: list[Json], given: dict[str, Any]) -> None:
    known = {one["name"] for one in wanted}
    if set(given) - known:
        raise LookupError(f"/{command} has no option {', '.join(set(given) - known)}.")
    missing = [one["name"] for one in wanted if one.get("required") and one["name"] not in given]
    if missing:
        raise LookupError(f"/{command} needs {', '.join(missing)}.")
