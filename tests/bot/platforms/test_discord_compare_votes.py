"""Votes on a comparison: one a person, also after a restart, until whoever asked ends it."""

from __future__ import annotations

from bot.comparison import ComparisonEnded, ComparisonGone, VotedAlready
from bot.settings import Settings
from bot.wiring import App, wire
from tests.bot.platforms import stage_compare as sides
from tests.bot.platforms.pressed import told
from tests.bot.platforms.stage import RunningBot, bot_on
from tests.bot.platforms.stage_compare import compared, ids, labels
from tests.fakes.discord import FakeDiscord, Permission, User

model, settings, name, ada = sides.model, sides.settings, sides.name, sides.ada


async def test_everybody_votes_once_and_the_asker_ends_it(
    discord: FakeDiscord, bot: RunningBot, ada: User, name: str
) -> None:
    ben = discord.person("Ben")
    shown = await compared(discord, ada, prompt="hi", persona_a=name, persona_b="tom")
    voted = discord.presses(ben, shown, "Tom")
    assert await voted.answer() == "Your vote is counted: Tom."
    assert voted.ephemeral
    again = discord.presses(ben, shown, "Maya, version 3")
    assert await again.answer() == VotedAlready.spoken
    refused = discord.presses(ben, shown, "Result")
    assert await refused.answer() == f"Only <@{ada.id}> can end this comparison."
    assert refused.ephemeral
    ended = discord.presses(ada, shown, "Result")
    await discord.world.until(lambda: bool(ended.followups), 5)
    (result,) = ended.followups
    assert result.content.startswith("**Maya, version 3**: 0 votes; preferred in 0 of 1 votes")
    assert "\n**Tom**: 1 vote; preferred in " in result.content
    assert labels(shown) == []


async def test_a_blind_one_hides_who_is_who_until_it_is_revealed(
    discord: FakeDiscord, bot: RunningBot, ada: User, name: str
) -> None:
    shown = await compared(discord, ada, prompt="hi", persona_a=name, persona_b="tom", blind=True)
    assert labels(shown) == ["A", "B", "Reveal"]
    assert "**A**\nI am" in shown.content
    for hint in ("Maya", name, "tom"):
        assert not any(hint in custom_id for custom_id in ids(shown))
    first = "Maya, version 3" if "**A**\nI am maya" in shown.content else "Tom"
    assert await discord.presses(ada, shown, "A").answer() == "Your vote is counted: A."
    revealed = discord.presses(ada, shown, "Reveal")
    await discord.world.until(lambda: bool(revealed.followups), 5)
    assert revealed.followups[0].content.startswith(f"**A** was **{first}**: 1 vote; preferred in ")


async def test_the_buttons_work_after_a_restart(
    discord: FakeDiscord, settings: Settings, ada: User, name: str
) -> None:
    moderator = discord.person("Mod")
    discord.gives(moderator, discord.role("Mods", Permission.MANAGE_MESSAGES))
    async with wire(settings) as app, bot_on(discord, settings, app):
        shown = await compared(discord, ada, prompt="hi", persona_a=name, persona_b="tom")
    async with wire(settings) as app, bot_on(discord, settings, app):
        assert "counted" in await discord.presses(ada, shown, "Tom").answer()
        ended = discord.presses(moderator, shown, "Result")
        await discord.world.until(lambda: bool(ended.followups), 5)
        assert "**Tom**: 1 vote" in ended.followups[0].content


async def test_a_press_after_the_end_is_answered(
    discord: FakeDiscord, app: App, bot: RunningBot, ada: User, name: str
) -> None:
    shown = await compared(discord, ada, prompt="hi", persona_a=name, persona_b="tom")
    comparison = ids(shown)[0].split(":")[2]
    await app.comparisons.end(comparison)  # a press that somebody else was quicker with
    assert await discord.presses(ada, shown, "Tom").answer() == ComparisonEnded.spoken
    assert "**Tom**: 0 votes" in await told(discord, discord.presses(ada, shown, "Result"))
    for custom in shown.components[0]["components"]:
        custom["custom_id"] = custom["custom_id"].replace(comparison, "forgotten")
    assert await discord.presses(ada, shown, "Tom").answer() == ComparisonGone.spoken
    assert await told(discord, discord.presses(ada, shown, "Result")) == ComparisonGone.spoken
