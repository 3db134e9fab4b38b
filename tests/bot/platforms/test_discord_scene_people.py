"""People stop a scene, join in, and go on talking with the bot beside it and after it."""

from __future__ import annotations

from bot.settings import Settings
from bot.wiring import wire
from tests.bot.platforms import stage_scenes as scenes
from tests.bot.platforms.stage import RunningBot, bot_on
from tests.bot.platforms.stage_scenes import END, labels, plays, quick, standing
from tests.fakes.discord import FakeDiscord, Permission, User
from tests.fakes.discord import Fault as DiscordFault
from tests.fakes.model import ModelServer

model, settings, app, ada = scenes.model, scenes.settings, scenes.app, scenes.ada


async def test_the_starter_stops_it_and_others_may_not(
    discord: FakeDiscord, settings: Settings, ada: User
) -> None:
    ben = discord.person("Ben")
    async with standing(discord, settings):
        used = plays(discord, ada)
        await discord.until_says("**Maya:** maya says 1.")
        assert used.original is not None
        refused = discord.presses(ben, used.original, "Stop")
        assert await refused.answer() == (
            f"Only <@{ada.id}> and people who may manage messages can stop it."
        )
        assert refused.ephemeral
        await discord.presses(ada, used.original, "Stop").taken()
        await discord.until_says("-# Ada stopped the scene.")
        assert labels(used.original) == []


async def test_a_moderator_stops_it(discord: FakeDiscord, settings: Settings, ada: User) -> None:
    moderator = discord.person("Mo*d*")
    discord.gives(moderator, discord.role("Mods", Permission.MANAGE_MESSAGES))
    async with standing(discord, settings):
        used = plays(discord, ada)
        await discord.until_says("**Maya:** maya says 1.")
        assert used.original is not None
        await discord.presses(moderator, used.original, "Stop").taken()
        await discord.until_says("-# Mo\\*d\\* stopped the scene.")


async def test_after_a_restart_the_button_says_that_it_has_ended(
    discord: FakeDiscord, settings: Settings, ada: User
) -> None:
    async with standing(discord, settings) as (bot, _):
        used = plays(discord, ada)
        await discord.until_says("**Maya:** maya says 1.")
        discord.breaks(DiscordFault("PATCH", "/webhooks/*/*/messages/*", "dropped", times=9))
        await bot.stop()
    assert used.original is not None
    assert labels(used.original) == ["Stop"]
    async with standing(discord, settings):
        pressed = discord.presses(ada, used.original, "Stop")
        assert await discord.world.until(lambda: bool(pressed.followups), 5)
        assert pressed.followups[0].content == "This scene has ended already."
        assert pressed.followups[0].only_for is ada
        assert labels(used.original) == []


async def test_people_join_in_without_being_answered_apart(
    discord: FakeDiscord, model: ModelServer, settings: Settings, ada: User
) -> None:
    ben, direct = discord.person("Ben"), discord.direct(ada)
    async with wire(settings) as wired:
        app = quick(wired, lambda _: 2.0)
        async with bot_on(discord, settings, app):
            plays(discord, ada, turns=2)
            await discord.until_says("**Maya:** maya says 1.")
            discord.redeliver(discord.says(ben, "And the lakes?"))
            await discord.until_says(END)
            assert model.questions[-1]["messages"][-1]["content"] == (
                "Ada: the sea\nMaya: maya says 1.\nBen: And the lakes?"
            )
            plays(discord, ada, direct, turns=2)
            await discord.until_says("**Maya:** maya says 3.", direct)
            discord.says(ada, "me, too", direct)
            await discord.until_says(END, direct)
    assert len(model.questions) == 4


async def test_who_mentions_the_bot_is_answered_as_usual(
    discord: FakeDiscord, model: ModelServer, settings: Settings, ada: User
) -> None:
    async with standing(discord, settings):
        plays(discord, ada)
        line = await discord.until_says("**Maya:** maya says 1.")
        discord.says(ada, "how true", reply_to=line)  # which mentions the bot, too
        discord.asks(ada, "and you?")
        await discord.until_says("maya says 2.")
        assert len(model.questions) == 2


async def test_after_a_scene_everything_is_as_before(
    discord: FakeDiscord, bot: RunningBot, ada: User
) -> None:
    plays(discord, ada, turns=1)
    await discord.until_says(END)
    discord.asks(ada, "hi")
    await discord.until_says("maya says 2.")
