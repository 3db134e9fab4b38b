"""Other bots: ignored unless allowed, and then never on and on."""

from __future__ import annotations

import pytest

from bot.platforms.discord.hearing import BOT_TURNS
from bot.settings import Settings
from bot.wiring import App
from tests.bot.platforms.stage import RunningBot, Script, bot_on, speaking
from tests.fakes.discord import Channel, FakeDiscord, User
from tests.fakes.discord.nouns import Face

HOW = "when they mention me or reply to me, a few times until a person says something"


async def allow(discord: FakeDiscord, *bots: User) -> None:
    for robot in bots:
        used = discord.uses(discord.world.owner, "admin bots allow", bot=robot)
        assert await used.answer() == f"I answer {robot.mention} {HOW}."
        assert used.ephemeral


async def heard(discord: FakeDiscord, script: Script, channel: Channel | None = None) -> list[str]:
    """What was meant for the bot up to now."""
    asked = discord.asks(discord.world.owner, "END", channel)

    def ended() -> bool:
        return any(one.message_id == asked.id for one in script.heard)

    assert await discord.world.until(ended, 5)
    return [one.text for one in script.heard if one.text != "END"]


async def test_a_bot_that_is_allowed_is_answered_when_it_mentions_or_replies(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    robot, script = discord.person("Robot", bot=True), Script()
    async with bot_on(discord, settings, speaking(app, script)):
        discord.asks(robot, "not yet")
        assert await heard(discord, script) == []
        await allow(discord, robot)
        await app.places.change(f"discord:channel:{discord.general.id}", mode="always")
        discord.says(robot, "to nobody")
        discord.asks(robot, "one")
        answer = await discord.until_says(script.ending)
        discord.says(robot, "two", reply_to=answer)
        assert await heard(discord, script) == ["one", "two"]


async def test_a_bot_that_is_forbidden_again_is_ignored(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    owner, script = discord.world.owner, Script()
    robot, other = discord.person("Robot", bot=True), discord.person("Other", bot=True)
    async with bot_on(discord, settings, speaking(app, script)):
        await allow(discord, robot, other)
        shown = await discord.uses(owner, "admin bots list").answer()
        assert shown == f"I answer {robot.mention}, {other.mention} {HOW}."
        used = discord.uses(owner, "admin bots forbid", bot=robot)
        assert await used.answer() == f"I ignore {robot.mention}."
        discord.asks(robot, "beep")
        discord.asks(other, "boop")
        assert await heard(discord, script) == ["boop"]
        await discord.uses(owner, "admin bots forbid", bot=other).answer()
        assert await discord.uses(owner, "admin bots list").answer() == (
            "I answer no other bots here."
        )


async def test_bots_get_a_few_answers_in_a_row_whichever_they_are_and_in_threads_too(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    robots = [discord.person(f"Robot {number}", bot=True) for number in range(3)]
    ada, script = discord.person("Ada"), Script()
    async with bot_on(discord, settings, speaking(app, script)):
        await allow(discord, *robots)
        threads = [discord.starts_thread(ada, f"thread {number}") for number in range(3)]
        for thread in threads:  # what is chosen there is looked up once, and nobody waits later
            assert await heard(discord, script, thread) == []
        for number in range(4):
            for robot, place in zip(robots, [discord.general, *threads], strict=False):
                discord.asks(robot, f"{number}", place)
        assert len(await heard(discord, script)) == BOT_TURNS
        discord.says(ada, "what are you talking about?")
        for number in range(9):
            discord.asks(robots[0], f"again {number}")
        assert len(await heard(discord, script)) == BOT_TURNS * 2


async def test_two_bots_that_answer_each_other_come_to_an_end(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    robot, ada = discord.person("Robot", bot=True), discord.person("Ada")
    await allow(discord, robot)
    asked = discord.asks(robot, "hello")
    for turn in range(BOT_TURNS):
        assert await discord.world.until(lambda: len(discord.answers(asked)) == turn + 1, 5)  # noqa: B023
        discord.says(robot, "and you?", reply_to=discord.answers(asked)[-1])
    discord.asks(ada, "enough?")
    assert await discord.world.until(lambda: len(discord.answers(asked)) == BOT_TURNS + 1, 5)


async def test_neither_webhooks_nor_the_bots_own_faces_are_anybody_to_talk_to(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    script, mention = Script(), discord.bot.mention
    async with bot_on(discord, settings, speaking(app, script)):
        await app.places.change(
            f"discord:server:{discord.world.guild.id}", bots=("77", discord.bot.id)
        )
        for application_id in (None, discord.application_id):
            said = discord.messages.make(
                Face("77", "maya", "Maya", bot=True), discord.general, {"content": f"{mention} hi"}
            )
            said.webhook_id, said.application_id = "77", application_id
            discord.messages.publish(said)
        discord.says(discord.bot, f"{mention} me?")
        assert await heard(discord, script) == []


async def test_a_reply_to_one_of_the_bots_faces_is_meant_for_it(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    script = Script()
    async with bot_on(discord, settings, speaking(app, script)):
        for application_id in (None, discord.application_id):
            said = discord.messages.make(
                Face("77", "maya", "Maya", bot=True), discord.general, {"content": "hi"}
            )
            said.webhook_id, said.application_id = "77", application_id
            discord.messages.publish(said)
            text = "to a stranger" if application_id is None else "to her"
            discord.says(discord.person("Ada"), text, reply_to=said)
        assert await heard(discord, script) == ["to her"]


@pytest.mark.parametrize("command", ["allow", "forbid"])
async def test_bots_are_chosen_by_those_who_may_manage_the_server(
    discord: FakeDiscord, bot: RunningBot, command: str
) -> None:
    ada, robot = discord.person("Ada"), discord.person("Robot", bot=True)
    used = discord.uses(ada, f"admin bots {command}", forged=True, bot=robot)
    assert await used.answer() == "Only people who may manage this server can do that."


async def test_only_bots_can_be_allowed_and_not_endlessly_many(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    ada, owner = discord.person("Ada"), discord.world.owner
    said = await discord.uses(owner, "admin bots allow", bot=ada).answer()
    assert said == f"{ada.mention} is no bot: people may talk to me anyway."
    said = await discord.uses(owner, "admin bots allow", bot=discord.bot).answer()
    assert said == "I don't talk to myself."
    many = tuple(str(number) for number in range(25))
    await app.places.change(f"discord:server:{discord.world.guild.id}", bots=many)
    robot = discord.person("Robot", bot=True)
    said = await discord.uses(owner, "admin bots allow", bot=robot).answer()
    assert said == "That would be more than 25 bots. Forbid another one first."


async def test_bots_that_are_allowed_at_the_same_time_are_all_allowed(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    owner, robots = discord.world.owner, [discord.person(f"R{n}", bot=True) for n in range(8)]
    used = [discord.uses(owner, "admin bots allow", bot=robot) for robot in robots]
    for one in used:
        await one.answer()
    (here,) = await app.places.read(f"discord:server:{discord.world.guild.id}")
    assert set(here.bots or ()) == {robot.id for robot in robots}
