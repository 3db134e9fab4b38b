"""Commands as the real discord.py client registers them: slash commands and message menus."""

from __future__ import annotations

import asyncio

import discord as discordpy
import pytest
from discord import app_commands

from tests.fakes.clients import RealBot, Rest
from tests.fakes.discord import FakeDiscord, User


@pytest.fixture
def ada(discord: FakeDiscord) -> User:
    return discord.person("Ada")


@pytest.fixture
def tree(bot: RealBot) -> app_commands.CommandTree[RealBot]:
    return app_commands.CommandTree(bot)


async def test_a_command_of_the_message_menu_is_told_the_message(
    discord: FakeDiscord, bot: RealBot, tree: app_commands.CommandTree[RealBot], ada: User
) -> None:
    heard: asyncio.Future[discordpy.Message] = asyncio.get_running_loop().create_future()

    @tree.context_menu(name="Ask about this")
    async def ask(interaction: discordpy.Interaction, message: discordpy.Message) -> None:
        heard.set_result(message)
        await interaction.response.send_message(f"It says {message.content!r}.")

    await tree.sync()
    said = discord.says(ada, "to be or not to be")
    used = discord.uses_on(discord.person("Bee"), "Ask about this", said)
    message = await asyncio.wait_for(heard, 5)
    assert (message.id, message.author.id) == (int(said.id), int(ada.id))
    assert await used.answer() == "It says 'to be or not to be'."
    answered = await bot.hears("message", where=lambda one: one.author == bot.user)
    assert answered.type is discordpy.MessageType.context_menu_command
    assert answered.interaction_metadata.id == int(used.id)
    with pytest.raises(LookupError):
        discord.uses_on(ada, "Something else", said)


async def test_a_menu_command_may_need_permissions(
    discord: FakeDiscord, tree: app_commands.CommandTree[RealBot], ada: User
) -> None:
    @tree.context_menu(name="Forget this")
    @app_commands.default_permissions(manage_messages=True)
    async def forget(interaction: discordpy.Interaction, message: discordpy.Message) -> None: ...

    await tree.sync()
    said = discord.says(ada, "oops")
    with pytest.raises(PermissionError):
        discord.uses_on(ada, "Forget this", said)
    discord.uses_on(discord.person("Boss", administrator=True), "Forget this", said)


async def test_an_option_is_completed_with_the_others_in_sight(
    discord: FakeDiscord, tree: app_commands.CommandTree[RealBot], ada: User
) -> None:
    @tree.command(description="Back to an older version")
    async def rollback(interaction: discordpy.Interaction, persona: str, version: str) -> None: ...

    @rollback.autocomplete("version")
    async def versions(
        interaction: discordpy.Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        value = f"{interaction.namespace.persona}@{typed}"
        return [app_commands.Choice(name=value, value=value)]

    await tree.sync()
    assert await discord.autocompletes(ada, "rollback", persona="maya", version="2") == ["maya@2"]


@pytest.mark.parametrize(
    "command",
    [
        {"type": 3, "name": ""},
        {"type": 3, "name": "x" * 33},
        {"type": 3, "name": "Ask", "description": "not allowed"},
        {"name": "x", "description": "x", "options": [{"type": 3, "name": "a", "description": ""}]},
    ],
)
async def test_a_command_out_of_shape_is_refused(
    discord: FakeDiscord, rest: Rest, command: dict[str, object]
) -> None:
    path = f"/applications/{discord.application_id}/commands"
    status, body, _ = await rest("PUT", path, [command])
    assert (status, body["code"]) == (400, 50035)


async def test_there_are_at_most_fifteen_commands_in_the_message_menu(
    discord: FakeDiscord, rest: Rest
) -> None:
    path = f"/applications/{discord.application_id}/commands"
    commands = [{"type": 3, "name": f"Menu {number}"} for number in range(16)]
    status, body, _ = await rest("PUT", path, commands)
    assert (status, body["code"]) == (400, 30032)
    assert (await rest("PUT", path, commands[:15]))[0] == 200
