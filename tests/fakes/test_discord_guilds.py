"""Servers, their roles and their permissions, as the real discord.py client hears of changes."""

from __future__ import annotations

import discord as discordpy
import pytest

from tests.fakes.clients import RealBot, online
from tests.fakes.discord import FakeDiscord, Guild, Permission, User


@pytest.fixture
def ada(discord: FakeDiscord) -> User:
    return discord.person("Ada")


@pytest.fixture
def second(discord: FakeDiscord) -> Guild:
    return discord.guild("The Second House")


async def test_a_bot_is_in_several_servers_and_hears_each(
    discord: FakeDiscord, second: Guild, bot: RealBot, ada: User
) -> None:
    assert {one.name for one in bot.guilds} == {"The Playhouse", "The Second House"}
    discord.joins(ada, second)
    discord.says(ada, "hello, second", second.channels[0])
    heard = await bot.hears("message")
    assert (heard.guild.name, heard.content) == ("The Second House", "hello, second")
    await heard.reply("hello, Ada")
    assert [one.content for one in discord.seen(second.channels[0])] == ["hello, Ada"]
    assert discord.seen() == []


async def test_the_bot_joins_and_leaves_a_server_at_runtime(
    discord: FakeDiscord, bot: RealBot, ada: User
) -> None:
    second = discord.guild("The Second House")
    assert (await bot.hears("guild_join")).name == "The Second House"
    room = bot.place(second.channels[0])
    discord.removes_bot_from(second)
    assert (await bot.hears("guild_remove")).name == "The Second House"
    discord.says(ada, "still there?", second.channels[0])
    discord.says(ada, "hello")
    assert (await bot.hears("message")).content == "hello"
    with pytest.raises(discordpy.Forbidden):
        await room.send("me too")
    discord.adds_bot_to(second)
    await bot.hears("guild_join")
    await bot.place(second.channels[0]).send("back again")


async def test_a_server_left_is_not_there_at_the_next_start(
    discord: FakeDiscord, second: Guild, pointed: None
) -> None:
    discord.removes_bot_from(second)
    bot = RealBot()
    async with online(bot, discord):
        assert [one.name for one in bot.guilds] == ["The Playhouse"]


async def test_a_member_comes_with_its_roles(discord: FakeDiscord, bot: RealBot, ada: User) -> None:
    patron = discord.role("Patron")
    await bot.hears("guild_role_create")
    discord.gives(ada, patron)
    discord.says(ada, "I pay")
    heard = await bot.hears("message")
    assert [one.name for one in heard.author.roles] == ["@everyone", "Patron"]
    discord.takes(ada, patron)
    discord.says(ada, "I don't")
    assert [one.name for one in (await bot.hears("message")).author.roles] == ["@everyone"]
    told = [name for name, _ in bot.told]
    assert "raw_member_update" not in told
    assert "member_update" not in told  # of others only with the members intent


async def test_with_the_members_intent_changes_of_others_are_told(
    discord: FakeDiscord, pointed: None, ada: User
) -> None:
    intents = discordpy.Intents(guilds=True, guild_messages=True, members=True)
    bot = RealBot(intents=intents, chunk_guilds_at_startup=False)
    async with online(bot, discord):
        bee = discord.person("Bee")
        assert (await bot.hears("member_join")).id == int(bee.id)
        discord.gives(bee, discord.role("Patron"))
        _, after = await bot.hears("member_update")
        assert [one.name for one in after.roles] == ["@everyone", "Patron"]


async def test_a_permission_of_the_bots_role_changes_at_runtime(
    discord: FakeDiscord, bot: RealBot
) -> None:
    room = bot.place(discord.general)
    assert not room.permissions_for(room.guild.me).manage_webhooks
    discord.grants(discord.bot_role, Permission.MANAGE_WEBHOOKS)
    await bot.hears("guild_role_update")
    assert room.permissions_for(room.guild.me).manage_webhooks
    await room.create_webhook(name="Understudy")
    discord.revokes(discord.bot_role, Permission.MANAGE_WEBHOOKS)
    await bot.hears("guild_role_update")
    assert not room.permissions_for(room.guild.me).manage_webhooks
    with pytest.raises(discordpy.Forbidden):
        await room.create_webhook(name="Understudy")


async def test_a_role_given_to_the_bot_is_told_and_counts(
    discord: FakeDiscord, bot: RealBot
) -> None:
    keeper = discord.role("Webhook keeper", Permission.MANAGE_WEBHOOKS)
    discord.gives(discord.bot, keeper)
    await bot.hears("member_update")
    room = bot.place(discord.general)
    assert room.permissions_for(room.guild.me).manage_webhooks
    await room.create_webhook(name="Understudy")


async def test_client_and_server_add_overwrites_up_alike(
    discord: FakeDiscord, bot: RealBot
) -> None:
    """Everyone's, then the roles' together, then the member's own."""
    room = discord.channel("quiet")
    sending, keeper = Permission.SEND_MESSAGES, discord.role("Keeper")
    discord.gives(discord.bot, keeper)
    steps = [
        lambda: discord.forbids(room, sending),
        lambda: discord.allows(room, sending, keeper),
        lambda: discord.forbids(room, sending, discord.bot_role),  # a role that allows wins
        lambda: discord.forbids(room, sending, discord.bot),
        lambda: discord.allows(room, sending, discord.bot),
        lambda: discord.forbids(room, Permission.VIEW_CHANNEL, discord.bot),
    ]
    may = []
    for step in steps:
        step()
        await bot.hears("guild_channel_update")
        known = bot.place(room)
        may.append(known.permissions_for(known.guild.me).send_messages)
        truly = discord.world.permissions(discord.bot, room) & sending
        assert may[-1] == bool(truly)
    assert may == [False, True, True, False, True, False]


async def test_administrators_and_owners_are_above_overwrites(
    discord: FakeDiscord, bot: RealBot
) -> None:
    discord.forbids(discord.general, Permission.VIEW_CHANNEL)
    boss = discord.person("Boss", administrator=True)
    for person in (boss, discord.world.owner):
        assert discord.world.permissions(person, discord.general) & Permission.MANAGE_WEBHOOKS
    ada = discord.person("Ada")
    assert not discord.world.permissions(ada, discord.general)


async def test_the_threads_of_a_channel_that_is_opened_are_synced(
    discord: FakeDiscord, bot: RealBot, ada: User
) -> None:
    secret = discord.channel("secret")
    discord.forbids(secret, Permission.VIEW_CHANNEL)
    thread = discord.starts_thread(ada, "Talk", secret)
    discord.allows(secret, Permission.VIEW_CHANNEL, discord.bot)
    assert (await bot.hears("thread_join")).id == int(thread.id)
    discord.says(ada, "welcome", thread)
    assert (await bot.hears("message")).channel.id == int(thread.id)


async def test_a_deleted_channel_is_told_and_refuses(discord: FakeDiscord, bot: RealBot) -> None:
    doomed = discord.channel("doomed")
    room = await bot.hears("guild_channel_create")
    discord.deletes_channel(doomed)
    assert (await bot.hears("guild_channel_delete")).id == room.id
    with pytest.raises(discordpy.NotFound) as refused:
        await room.send("hello?")
    assert refused.value.code == 10003


async def test_a_command_is_used_with_the_permissions_of_that_place(
    discord: FakeDiscord, second: Guild, bot: RealBot, ada: User
) -> None:
    tree = discordpy.app_commands.CommandTree(bot)

    @tree.command(description="Where am I?")
    async def where(interaction: discordpy.Interaction) -> None:
        assert interaction.guild is not None
        manages = interaction.permissions.manage_guild
        await interaction.response.send_message(f"{interaction.guild.name}: {manages}")

    await tree.sync()
    discord.joins(ada, second)
    discord.gives(ada, discord.role("Manager", Permission.MANAGE_GUILD, second))
    assert await discord.uses(ada, "where").answer() == "The Playhouse: False"
    used = discord.uses(ada, "where", second.channels[0])
    assert await used.answer() == "The Second House: True"


async def test_a_member_is_fetched_with_nick_and_roles_until_they_leave(
    discord: FakeDiscord, bot: RealBot, ada: User
) -> None:
    ada.nick = "Countess Ada"
    discord.gives(ada, discord.role("Nobles"))
    house = bot.guilds[0]
    member = await house.fetch_member(int(ada.id))
    assert member.display_name == "Countess Ada"
    assert [role.name for role in member.roles] == ["@everyone", "Nobles"]
    discord.world.guild.members.pop(ada.id)
    with pytest.raises(discordpy.NotFound) as caught:
        await house.fetch_member(int(ada.id))
    assert caught.value.code == 10007


async def test_a_new_session_is_told_which_message_was_the_last_in_each_channel(
    discord: FakeDiscord, pointed: None, ada: User
) -> None:
    thread = discord.starts_thread(ada, "Talk")
    last = [discord.says(ada, "hello", place) for place in (discord.general, thread)]
    discord.deletes(last[0])
    bot = RealBot()
    async with online(bot, discord):
        there = [bot.get_channel(int(one.channel.id)) for one in last]
        assert [getattr(one, "last_message_id", None) for one in there] == [
            int(one.id) for one in last
        ]
