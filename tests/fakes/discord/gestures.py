"""What a person does with the bot's commands in a real Discord client."""

from __future__ import annotations

import secrets
from typing import Any

from tests.fakes.discord import message_payloads, payloads
from tests.fakes.discord.commands import (
    MESSAGE_COMMAND,
    SUB_COMMAND,
    SUB_COMMAND_GROUP,
    Commands,
)
from tests.fakes.discord.errors import Json
from tests.fakes.discord.interaction import AUTOCOMPLETE, COMMAND, Interaction
from tests.fakes.discord.interactions import Interactions
from tests.fakes.discord.nouns import DIRECT_MESSAGE, Channel, File, Message, User
from tests.fakes.discord.permissions import Permission
from tests.fakes.discord.resolving import resolved, value_of
from tests.fakes.discord.sight import Sight


class Gestures(Sight):
    """Every act goes through the gateway as for real, and is checked as a client checks it."""

    commands: Commands
    interactions: Interactions

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
        options = {name: self._uploaded(one, channel) for name, one in options.items()}
        chosen = [
            {"type": one["type"], "name": one["name"], "value": value_of(options[one["name"]])}
            for one in wanted
            if one["name"] in options
        ]
        picked = resolved(options.values(), channel.guild, self.world)
        return self._interact(COMMAND, person, channel, _data(top, way, chosen) | picked)

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
        """The values offered while the person types the last of the options given."""
        top, way = self.commands.find(command)
        kinds = {one["name"]: one for one in way[-1]["options"]}
        filled: list[Json] = [
            {"type": kinds[name]["type"], "name": name, "value": value}
            for name, value in option.items()
        ]
        filled[-1]["focused"] = True
        assert kinds[filled[-1]["name"]].get("autocomplete"), "It has no autocomplete"
        interaction = self._interact(
            AUTOCOMPLETE, person, channel or self.general, _data(top, way, filled)
        )
        if not await self.world.until(lambda: interaction.choices is not None, within_s):
            raise AssertionError("Loading options failed.")
        return [str(choice["value"]) for choice in interaction.choices or []]

    # -- interactions ---------------------------------------------------------------------

    def _uploaded(self, option: Any, channel: Channel) -> Any:
        """A file is uploaded before the command is sent."""
        if not isinstance(option, File):
            return option
        attachment = self.world.attach(option, channel)
        self.world.uploads.append(attachment)
        return attachment

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
        data: Json,
        about: Message | None = None,
    ) -> Interaction:
        interaction = Interaction(
            self.world.snowflakes.next(),
            secrets.token_hex(32),
            kind,
            person,
            channel,
            self.world,
            about=about,
            on_menu=data.get("type") == MESSAGE_COMMAND,
        )
        self.interactions.remember(interaction)
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
            "channel": payloads.place(channel, self.world) | {"permissions": str(int(permissions))},
            "locale": "en-US",
            "app_permissions": str(int(self.world.permissions(self.bot, channel))),
            "entitlements": [],
            "authorizing_integration_owners": {"0": channel.guild_id or "0"},
            "context": 1 if channel.kind == DIRECT_MESSAGE else 0,
            "attachment_size_limit": 10_485_760,
        }
        if interaction.about is not None:
            payload["message"] = message_payloads.message(interaction.about, self.world)
        if channel.kind == DIRECT_MESSAGE:
            return payload | {"user": payloads.user(person)}
        assert channel.guild is not None
        member = payloads.full_member(person, channel.guild) | {
            "permissions": str(int(permissions))
        }
        return payload | {
            "guild_id": channel.guild_id,
            "guild": {"id": channel.guild_id, "locale": "en-US", "features": []},
            "guild_locale": "en-US",
            "member": member,
        }


def _data(top: Json, way: list[Json], options: list[Json]) -> Json:
    for step in reversed(way[1:]):
        assert step["type"] in (SUB_COMMAND, SUB_COMMAND_GROUP)
        options = [{"type": step["type"], "name": step["name"], "options": options}]
    return {"id": top["id"], "name": top["name"], "type": 1, "options": options}


def _check_options(command: str, wanted: list[Json], given: dict[str, Any]) -> None:
    known = {one["name"] for one in wanted}
    if set(given) - known:
        raise LookupError(f"/{command} has no option {', '.join(set(given) - known)}.")
    missing = [one["name"] for one in wanted if one.get("required") and one["name"] not in given]
    if missing:
        raise LookupError(f"/{command} needs {', '.join(missing)}.")
