"""Threads, as the real discord.py client starts them, hears of them and speaks in them."""

from __future__ import annotations

import discord as discordpy
import pytest

from tests.fakes.clients import RealBot, Rest, online
from tests.fakes.discord import FakeDiscord, Permission, User


@pytest.fixture
def ada(discord: FakeDiscord) -> User:
    return discord.person("Ada")


async def test_a_thread_from_a_message_has_its_id_and_points_to_it(
    discord: FakeDiscord, bot: RealBot, ada: User
) -> None:
    said = discord.says(ada, "let us talk")
    thread = discord.starts_thread(ada, "Talk", message=said)
    heard = await bot.hears("thread_create")
    assert (heard.id, heard.name, heard.parent_id) == (
        int(said.id),
        "Talk",
        int(discord.general.id),
    )
    assert heard.owner_id == int(ada.id)
    starter = await bot.hears("message", where=lambda one: one.channel.id == int(thread.id))
    assert starter.type is discordpy.MessageType.thread_starter_message
    assert starter.content == ""
    assert starter.reference.resolved.content == "let us talk"
    assert starter.reference.channel_id == int(discord.general.id)
    fetched = await bot.place(discord.general).fetch_message(int(said.id))
    assert fetched.flags.has_thread
    assert fetched.thread.name == "Talk"


async def test_the_bot_starts_a_thread_from_a_message_once(
    discord: FakeDiscord, bot: RealBot, ada: User
) -> None:
    discord.says(ada, "let us talk")
    message = await bot.hears("message")
    thread = await message.create_thread(name="Talk", auto_archive_duration=60)
    assert (await bot.hears("thread_create")).id == thread.id
    assert (await bot.fetch_channel(thread.id)).me is not None
    with pytest.raises(discordpy.HTTPException) as refused:
        await message.create_thread(name="Again")
    assert refused.value.code == 160004


async def test_the_bot_starts_a_thread_alone_and_speaks_in_it(
    discord: FakeDiscord, bot: RealBot, ada: User
) -> None:
    room = bot.place(discord.general)
    thread = await room.create_thread(name="Alone", type=discordpy.ChannelType.public_thread)
    await thread.send("hello?")
    there = discord.world.channels[str(thread.id)]
    assert [one.content for one in discord.seen(there)] == ["hello?"]
    discord.says(ada, "hello!", there)
    answer = await bot.hears("message", where=lambda one: one.author.id == int(ada.id))
    assert answer.channel == thread
    assert answer.channel.parent == room


@pytest.mark.parametrize("body", [{"name": ""}, {"name": "x" * 101}, {}])
async def test_a_thread_out_of_shape_is_refused(
    discord: FakeDiscord, rest: Rest, body: dict[str, str]
) -> None:
    path = f"/channels/{discord.general.id}/threads"
    status, answer, _ = await rest("POST", path, {"type": 11} | body)
    assert (status, answer["code"]) == (400, 50035)


async def test_a_thread_in_a_thread_is_refused(discord: FakeDiscord, rest: Rest, ada: User) -> None:
    thread = discord.starts_thread(ada, "Talk")
    path = f"/channels/{thread.id}/threads"
    status, answer, _ = await rest("POST", path, {"type": 11, "name": "Deeper"})
    assert (status, answer["code"]) == (400, 50024)


async def test_active_threads_are_there_from_the_start(
    discord: FakeDiscord, pointed: None, ada: User
) -> None:
    awake, asleep = (discord.starts_thread(ada, name) for name in ("awake", "asleep"))
    discord.archives(asleep)
    discord.adds(discord.bot, awake)
    secret = discord.channel("secret")
    discord.forbids(secret, Permission.VIEW_CHANNEL)
    discord.starts_thread(ada, "hidden", secret)
    bot = RealBot()
    async with online(bot, discord):
        (thread,) = bot.guilds[0].threads
        assert thread.name == "awake"
        assert thread.me is not None
        assert [one.name for one in await bot.guilds[0].active_threads()] == ["awake"]


async def test_the_bot_is_told_when_it_is_added_and_removed(
    discord: FakeDiscord, bot: RealBot, ada: User
) -> None:
    thread = discord.starts_thread(ada, "Talk")
    heard = await bot.hears("thread_create")
    assert heard.me is None
    discord.adds(discord.bot, thread)
    await bot.hears("thread_join")
    assert bot.place(thread).me is not None
    discord.removes(discord.bot, thread)
    await bot.hears("thread_remove")
    await heard.join()
    assert discord.bot in thread.members


async def test_a_message_wakes_an_archived_thread(
    discord: FakeDiscord, bot: RealBot, ada: User
) -> None:
    thread = discord.starts_thread(ada, "Talk")
    heard = await bot.hears("thread_create")
    discord.archives(thread)
    await bot.hears("thread_update")
    assert bot.get_channel(int(thread.id)) is None  # discord.py forgets what sleeps
    discord.says(ada, "anybody?", thread)
    assert (await bot.hears("thread_join")).id == heard.id
    assert (await bot.hears("message", where=lambda one: one.content)).channel.id == heard.id
    discord.archives(thread)
    await heard.send("here!")
    assert not thread.archived
    assert discord.bot in thread.members


async def test_in_an_archived_thread_nothing_is_edited(
    discord: FakeDiscord, bot: RealBot, ada: User
) -> None:
    thread = discord.starts_thread(ada, "Talk")
    sent = await (await bot.hears("thread_create")).send("first")
    discord.archives(thread)
    with pytest.raises(discordpy.HTTPException) as refused:
        await sent.edit(content="second")
    assert refused.value.code == 50083
    await sent.delete()
    assert discord.seen(thread) == []


async def test_a_locked_thread_is_for_moderators(
    discord: FakeDiscord, bot: RealBot, ada: User
) -> None:
    thread = discord.starts_thread(ada, "Talk")
    heard = await bot.hears("thread_create")
    discord.archives(thread, lock=True)
    with pytest.raises(discordpy.Forbidden) as refused:
        await heard.send("let me in")
    assert refused.value.code == 160005


async def test_threads_have_a_permission_to_speak_of_their_own(
    discord: FakeDiscord, bot: RealBot, ada: User
) -> None:
    discord.starts_thread(ada, "Talk")
    thread = await bot.hears("thread_create")
    discord.forbids(discord.general, Permission.SEND_MESSAGES)
    await thread.send("still here")
    await bot.hears("guild_channel_update")
    discord.forbids(discord.general, Permission.SEND_MESSAGES_IN_THREADS)
    with pytest.raises(discordpy.Forbidden) as refused:
        await thread.send("not any more")
    assert refused.value.code == 50013


async def test_starting_and_deleting_threads_needs_permission(
    discord: FakeDiscord, bot: RealBot, ada: User
) -> None:
    discord.forbids(discord.general, Permission.CREATE_PUBLIC_THREADS)
    with pytest.raises(discordpy.Forbidden):
        await bot.place(discord.general).create_thread(
            name="Mine", type=discordpy.ChannelType.public_thread
        )
    thread = discord.starts_thread(ada, "Talk")
    heard = await bot.hears("thread_create")
    with pytest.raises(discordpy.Forbidden):
        await heard.delete()
    discord.deletes_channel(thread)
    assert (await bot.hears("thread_delete")).id == heard.id
    with pytest.raises(discordpy.NotFound):
        await heard.send("gone")


async def test_a_bot_renames_and_archives_only_its_own_thread(
    discord: FakeDiscord, bot: RealBot, ada: User
) -> None:
    mine = await bot.place(discord.general).create_thread(
        name="Mine", type=discordpy.ChannelType.public_thread
    )
    await mine.edit(name="Still mine", archived=True)
    assert discord.world.channels[str(mine.id)].name == "Still mine"
    discord.starts_thread(ada, "Hers")
    hers = await bot.hears("thread_create", where=lambda one: one.name == "Hers")
    with pytest.raises(discordpy.Forbidden):
        await hers.edit(name="Mine too")


async def test_the_threads_of_a_deleted_channel_are_gone(
    discord: FakeDiscord, bot: RealBot, ada: User
) -> None:
    doomed = discord.channel("doomed")
    discord.starts_thread(ada, "Talk", doomed)
    thread = await bot.hears("thread_create")
    discord.deletes_channel(doomed)
    with pytest.raises(discordpy.NotFound):
        await thread.send("hello?")
