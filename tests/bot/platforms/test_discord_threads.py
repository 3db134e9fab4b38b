"""Threads that begin with the bot are its own: there it speaks without being mentioned."""

from __future__ import annotations

import discord as discordpy
import pytest
from discord import Permissions

from bot.settings import Settings
from bot.wiring import App
from tests.bot.platforms.stage import RunningBot, bot_on, lets
from tests.bot.platforms.stage_context import once_heard, told
from tests.bot.platforms.stage_memory import until_settled
from tests.fakes.discord import FakeDiscord, Fault, Permission, Thread
from tests.fakes.model import ModelServer

HELLO = "Hello there."


def opened(discord: FakeDiscord) -> Thread:
    """The thread that the bot opened."""
    threads = discord.world.active_threads(discord.world.guild)
    return next(one for one in threads if one.owner is discord.bot)


async def test_a_thread_on_a_mention_is_its_own_and_begins_with_it(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada, bee = discord.person("Ada"), discord.person("Bee")
    asked = discord.asks(ada, "shall we talk?")
    await until_settled(app, discord)
    thread = discord.starts_thread(ada, "Talk", message=asked)
    discord.says(bee, "me, too?", thread)
    await discord.until_says(HELLO, thread)
    assert told(model) == ["Ada: shall we talk?", "Bee: me, too?"]


async def test_a_thread_on_one_of_its_messages_is_its_own_and_begins_with_it(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    discord.asks(ada, "hi")
    await until_settled(app, discord)
    thread = discord.starts_thread(ada, "Talk", message=discord.seen()[0])
    discord.says(ada, "why?", thread)
    await discord.until_says(HELLO, thread)
    messages = model.questions[-1]["messages"][1:]
    assert [(one["role"], one["content"]) for one in messages] == [
        ("user", "Ada: …"),
        ("assistant", HELLO),
        ("user", "Ada: why?"),
    ]


async def test_a_thread_that_begins_with_a_mention_is_its_own_and_others_are_not(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    ours, others = discord.starts_thread(ada, "Ours"), discord.starts_thread(ada, "Theirs")
    discord.says(ada, "just us", others)
    discord.asks(ada, "late to the party", others)
    discord.says(ada, "and on we go", others)
    discord.asks(ada, "hi", ours)
    await discord.until_says(HELLO, ours)
    model.words = ["Still here."]
    discord.says(ada, "still there?", ours)
    await discord.until_says("Still here.", ours)
    assert len(discord.seen(others)) == 1


async def test_its_own_threads_are_known_after_a_restart(
    discord: FakeDiscord, model: ModelServer, settings: Settings, app: App
) -> None:
    ada = discord.person("Ada")
    async with bot_on(discord, settings, app):
        thread = discord.starts_thread(ada, "Talk", message=discord.asks(ada, "hi"))
        discord.says(ada, "one", thread)
        await discord.until_says(HELLO, thread)
    assert await discord.world.until(lambda: not discord.gateway.online, 5)
    model.words = ["Still here."]
    async with bot_on(discord, settings, app):
        discord.says(ada, "two", thread)
        await discord.until_says("Still here.", thread)
    assert told(model)[0] == "Ada: hi"  # the message it was started from, read anew


async def test_nobody_is_answered_in_threads_of_a_channel_that_is_off(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada, elsewhere = discord.person("Ada"), discord.channel("elsewhere")
    thread = discord.starts_thread(ada, "Talk", message=discord.asks(ada, "hi"))
    await until_settled(app, discord)
    await discord.uses(discord.world.owner, "admin channels", mode="off").answer()
    discord.says(ada, "hello?", thread)
    await once_heard(discord, app, elsewhere)
    assert discord.seen(thread) == []


# -- /chat thread ---------------------------------------------------------------------------


async def test_people_get_a_thread_in_which_no_mention_is_needed(
    discord: FakeDiscord, settings: Settings, app: App, model: ModelServer
) -> None:
    ada = discord.person("Ada")
    async with bot_on(discord, settings, app):
        used = discord.uses(ada, "chat thread", topic="Rain and *roses*")
        said = await used.answer()
        thread = opened(discord)
        assert said == f"Let us talk in {thread.mention}. I need no mention there."
        assert not used.ephemeral
        assert thread.name == "Rain and *roses*"
        assert ada in thread.members
        discord.says(ada, "hi", thread)
        await discord.until_says(HELLO, thread)
    assert await discord.world.until(lambda: not discord.gateway.online, 5)
    model.words = ["Still here."]
    async with bot_on(discord, settings, app):
        discord.says(ada, "and now?", thread)
        await discord.until_says("Still here.", thread)


async def test_a_thread_without_a_topic_is_named_after_who_asked(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    await discord.uses(discord.person("Ada"), "chat thread").answer()
    assert opened(discord).name == "A talk with Ada"


@pytest.mark.parametrize("whose", ["the bot's", "the asker's"])
@pytest.mark.parametrize(
    ("missing", "called"),
    [
        (Permission.CREATE_PUBLIC_THREADS, "Create Public Threads"),
        (Permission.SEND_MESSAGES_IN_THREADS, "Send Messages in Threads"),
    ],
)
async def test_what_is_missing_for_a_thread_is_said(
    discord: FakeDiscord, bot: RunningBot, whose: str, missing: Permission, called: str
) -> None:
    ada = discord.person("Ada")
    discord.forbids(discord.general, missing, ada if whose == "the asker's" else discord.bot)
    said = await discord.uses(ada, "chat thread").answer()
    assert f"the permission “{called}”" in said
    assert said.startswith("To open a thread you" if whose == "the asker's" else "I need")


async def test_why_there_is_no_thread_is_said(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    thread = discord.starts_thread(ada, "Talk")
    assert "text channels" in await discord.uses(ada, "chat thread", thread).answer()
    body = {"code": 160006, "message": "Maximum number of active threads reached"}
    discord.breaks(Fault("POST", "/channels/*/threads", status=400, body=body))
    assert "as many threads as it may" in await discord.uses(ada, "chat thread").answer()
    discord.breaks(Fault("POST", "/channels/*/threads", status=403, body={"code": 50013}))
    assert "An administrator can" in await discord.uses(ada, "chat thread").answer()
    await app.places.change(f"discord:channel:{discord.general.id}", mode="off")
    assert "switched me off" in await discord.uses(ada, "chat thread").answer()


def test_the_permissions_asked_for_are_discords() -> None:
    from bot.platforms.discord.commands.thread import NEEDED

    assert set(NEEDED) <= set(discordpy.Permissions.VALID_FLAGS)


async def test_who_may_all_needs_no_single_permission(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    boss = discord.person("Boss")
    lets(discord, boss, Permissions(administrator=True))
    assert "Let us talk" in await discord.uses(boss, "chat thread").answer()
