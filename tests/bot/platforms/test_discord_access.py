"""/admin block, allow, access: who is answered in a server and who is met with silence."""

from __future__ import annotations

import asyncio

import pytest
from discord import Permissions
from pydantic import SecretStr

from bot.settings import Settings
from bot.wiring import REDIS_ANSWER_SECONDS, App, wire
from tests.bot.platforms.stage import RunningBot, bot_on, lets, settled, thread_in
from tests.fakes.discord import FakeDiscord, Interaction, User
from tests.fakes.model import ModelServer

HELLO = "Hello there."
REFUSED = "I may not answer you here: the administrators of this server decided so."
UNLISTED = "Here I answer only those whom the administrators of this server allowed."
ELSEWHERE = "I may not answer in this channel: the administrators of this server decided so."
BARRED = "The owner of this bot does not let me answer you."


def admin(discord: FakeDiscord, what: str, **options: object) -> Interaction:
    return discord.uses(discord.world.owner, f"admin {what}", **options)


async def answered(discord: FakeDiscord, *, who: User, instead_of: User) -> None:
    """`who` is answered although `instead_of` asked before."""
    discord.asks(instead_of, "hello?")
    asked = discord.asks(who, "hello?")
    assert await settled(discord, asked) == [HELLO]


async def test_a_blocked_person_is_met_with_silence_until_they_are_unblocked(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada, bob = discord.person("Ada"), discord.person("Bob")
    used = admin(discord, "block", who=ada)
    assert await used.answer() == f"I do not answer <@{ada.id}> any more."
    assert used.ephemeral
    await answered(discord, who=bob, instead_of=ada)
    assert len(model.questions) == 1
    assert "Ada" not in str(model.questions)
    said = await admin(discord, "unblock", who=ada).answer()
    assert said == f"<@{ada.id}> is not blocked any more."
    asked = discord.asks(ada, "and now?")
    assert await settled(discord, asked) == [HELLO]


async def test_a_blocked_person_uses_no_command_but_those_about_their_own_data(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    await admin(discord, "block", who=ada).answer()
    for command, options in (("persona switch", {"name": "tom"}), ("chat reset", {})):
        used = discord.uses(ada, command, **options)
        assert await used.answer() == REFUSED
        assert used.ephemeral
    assert await discord.autocompletes(ada, "persona switch", name="t") == []
    assert await discord.uses(ada, "memory show").answer() == "I remember nothing of you."
    assert await discord.uses(ada, "limits").answer() != REFUSED


async def test_a_role_can_be_blocked(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada, bob = discord.person("Ada"), discord.person("Bob")
    role = discord.role("noisy")
    discord.gives(ada, role)
    assert (
        await admin(discord, "block", who=role).answer()
        == f"I do not answer <@&{role.id}> any more."
    )
    await answered(discord, who=bob, instead_of=ada)
    assert await discord.uses(ada, "persona list").answer() == REFUSED
    assert len(model.questions) == 1


async def test_where_somebody_is_allowed_only_those_are_answered(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada, bob, eve = discord.person("Ada"), discord.person("Bob"), discord.person("Eve")
    friends = discord.role("friends")
    discord.gives(eve, friends)
    assert "only those who were allowed" in await admin(discord, "allow", who=bob).answer()
    await admin(discord, "allow", who=friends).answer()
    await answered(discord, who=bob, instead_of=ada)
    await answered(discord, who=eve, instead_of=ada)
    assert await discord.uses(ada, "persona list").answer() == UNLISTED
    await admin(discord, "disallow", who=bob).answer()
    said = await admin(discord, "disallow", who=friends).answer()
    assert said.endswith("It is empty now: I answer everybody again.")
    assert await settled(discord, discord.asks(ada, "me, too?")) == [HELLO]


async def test_a_block_wins_over_the_allow_list(discord: FakeDiscord, bot: RunningBot) -> None:
    ada = discord.person("Ada")
    await admin(discord, "block", who=ada).answer()
    said = await admin(discord, "allow", who=ada).answer()
    assert said.endswith(f"But <@{ada.id}> is blocked, and that wins: see /admin unblock.")
    assert await discord.uses(ada, "persona list").answer() == REFUSED


async def test_only_allowed_channels_have_answers_threads_included(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada, elsewhere = discord.person("Ada"), discord.channel("elsewhere")
    thread = thread_in(discord, elsewhere)
    await admin(discord, "allow", channel=elsewhere).answer()
    discord.asks(ada, "not here")
    discord.asks(ada, "here", elsewhere)
    await discord.until_says(HELLO, elsewhere)
    discord.asks(ada, "and here", thread)
    await discord.until_says(HELLO, thread)
    assert discord.seen() == []
    assert await discord.uses(ada, "persona list").answer() == ELSEWHERE
    direct = discord.direct(ada)
    discord.says(ada, "and in private", direct)
    await discord.until_says(HELLO, direct)


async def test_a_blocked_channel_is_silent_for_commands_too(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    ada, elsewhere = discord.person("Ada"), discord.channel("elsewhere")
    said = await admin(discord, "block", channel=discord.general).answer()
    assert said == f"I answer nobody in <#{discord.general.id}> any more."
    discord.asks(ada, "hello?")
    discord.asks(ada, "hello?", elsewhere)
    await discord.until_says(HELLO, elsewhere)
    assert discord.seen() == []
    assert await discord.uses(ada, "persona list").answer() == ELSEWHERE


async def test_managers_cannot_lock_themselves_out(discord: FakeDiscord, bot: RunningBot) -> None:
    ada, max_ = discord.person("Ada"), discord.person("Max")
    lets(discord, max_, Permissions(manage_guild=True))
    await admin(discord, "block", who=max_).answer()
    await admin(discord, "block", channel=discord.general).answer()
    await admin(discord, "allow", who=ada).answer()
    assert await discord.uses(max_, "persona list").answer() == REFUSED
    said = await discord.uses(max_, "admin unblock", who=max_).answer()
    assert said == f"<@{max_.id}> is not blocked any more."
    forged = discord.uses(ada, "admin unblock", forged=True, who=ada)
    assert await forged.answer() == ELSEWHERE


async def test_all_lists_are_shown_and_ping_nobody(discord: FakeDiscord, bot: RunningBot) -> None:
    ada, bob, role = discord.person("Ada"), discord.person("Bob"), discord.role("friends")
    assert "everybody" in await admin(discord, "access").answer()
    await admin(discord, "block", who=ada).answer()
    await admin(discord, "allow", who=role, channel=discord.general).answer()
    await admin(discord, "allow", who=bob).answer()
    used = admin(discord, "access")
    assert await used.answer() == (
        f"Never answered: <@{ada.id}>.\n"
        f"Only these are answered: <@&{role.id}>, <@{bob.id}>.\n"
        f"Only in these channels: <#{discord.general.id}>."
    )
    assert used.ephemeral
    assert used.original is not None
    assert not used.original.pinged


async def test_a_full_list_is_shown_in_one_message_and_takes_nobody_more(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    server = f"discord:server:{discord.world.guild.id}"
    many = tuple(f"discord:1{number:019}" for number in range(200))
    await app.places.change(server, blocked=many, allowed=many)
    ada = discord.person("Ada")
    said = await admin(discord, "block", who=ada).answer()
    assert said.startswith("That list is full: it holds 200 entries.")
    shown = await admin(discord, "access").answer()
    assert shown.count("and 180 more") == 2
    assert len(shown) <= 2000
    await admin(discord, "unblock", who=ada).answer()  # nobody is taken off for them


async def test_who_is_to_be_named_and_everybody_is_nobody(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    assert "Say who" in await admin(discord, "block").answer()
    everyone = discord.world.guild.roles[0]
    said = await admin(discord, "block", who=everyone).answer()
    assert said.startswith("@everyone is everybody.")
    assert "everybody" in await admin(discord, "access").answer()


@pytest.fixture
async def barring(discord: FakeDiscord, settings: Settings) -> Settings:
    """Settings in which the owner bars somebody called Mallory."""
    mallory = discord.person("Mallory", administrator=True)
    return settings.model_copy(update={"blocked_users": (f"discord:{mallory.id}",)})


async def test_whom_the_owner_bars_is_answered_nowhere_and_administers_nothing(
    discord: FakeDiscord, model: ModelServer, barring: Settings
) -> None:
    mallory = next(one for one in discord.world.users.values() if one.display_name == "Mallory")
    ada, direct = discord.person("Ada"), discord.direct(mallory)
    async with wire(barring) as app, bot_on(discord, barring, app):
        discord.says(mallory, "hi", direct)
        await answered(discord, who=ada, instead_of=mallory)
        assert discord.seen(direct) == []
        for command, channel in (("admin status", None), ("persona list", direct)):
            assert await discord.uses(mallory, command, channel).answer() == BARRED
        assert "remember" in await discord.uses(mallory, "memory show").answer()
    assert len(model.questions) == 1


async def test_a_redis_that_hangs_keeps_no_command_waiting(
    discord: FakeDiscord, settings: Settings
) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    hanging = settings.model_copy(update={"redis_url": SecretStr(f"redis://127.0.0.1:{port}/0")})
    discord.interactions.acknowledge_within_s = 30
    async with silent, wire(hanging) as app, bot_on(discord, hanging, app):
        used = discord.uses(discord.person("Ada"), "persona list")
        await used.taken(within_s=30)
        assert used.acknowledged_after_s is not None
        assert used.acknowledged_after_s < REDIS_ANSWER_SECONDS
