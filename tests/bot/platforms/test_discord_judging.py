"""👍 and 👎 under an answer: with the server's consent at the time of the press, and only then."""

from __future__ import annotations

import asyncio

import pytest
from discord import Permissions

from bot.feedback import REMARK_MAX_CHARS, Opinion
from bot.settings import Settings
from bot.wiring import App
from tests.bot.platforms.pressed import (
    GONE,
    answered,
    names,
    restarted,
    told,
    until_has,
    until_says,
)
from tests.bot.platforms.stage import RunningBot, lets
from tests.fakes.discord import FakeDiscord, Interaction, User
from tests.fakes.model import ModelServer

NO_CONSENT = "Opinions on answers are not kept here, so I took no note of yours."
WORDS = "Why not? (if you like)"


async def consents(discord: FakeDiscord, on: bool = True) -> str:
    return await discord.uses(discord.world.owner, "admin feedback", on=on).answer()


async def opinions(app: App, person: User) -> list[Opinion]:
    return await app.feedback.about(f"discord:{person.id}")


async def thumbs_down(discord: FakeDiscord, app: App, person: User) -> Interaction:
    """Where it is consented to: a press that has opened its form."""
    await consents(discord)
    pressed = discord.presses(person, await answered(discord, app, person), "👎")
    await pressed.opens()
    return pressed


async def test_nobody_judges_where_the_server_did_not_consent(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    assert names(await answered(discord, app, ada)) == ["Again"]
    assert names(await answered(discord, app, ada, "hi", discord.direct(ada))) == ["Again"]


async def test_consent_is_the_administrators_and_says_what_is_kept(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    owner, ada = discord.world.owner, discord.person("Ada")
    lets(discord, ada, Permissions(manage_messages=True))
    off = await discord.uses(owner, "admin feedback").answer()
    assert off.startswith("Opinions on my answers are not kept here.")
    on = await consents(discord)
    assert "365 days" in on
    assert "16 messages" in on
    assert "/memory forget" in on
    assert await discord.uses(owner, "admin feedback").answer() == on
    forged = discord.uses(ada, "admin feedback", forged=True, on=False)
    assert await forged.answer() == "Only people who may manage this server can do that."
    assert names(await answered(discord, app, ada)) == ["Again", "👍", "👎"]
    assert await consents(discord, on=False) == off


async def test_anybody_may_judge_and_is_told_what_is_kept(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    await consents(discord)
    ada, bob = discord.person("Ada"), discord.person("Bob")
    await answered(discord, app, ada, "tea?")
    answer = await answered(discord, app, ada, "coffee?")
    said = await told(discord, discord.presses(bob, answer, "👍"))
    assert "your 👍" in said
    assert "/memory forget" in said
    (opinion,) = await opinions(app, bob)
    assert (opinion.verdict, opinion.remark) == ("up", "")
    assert opinion.answered.question is not None
    assert opinion.answered.question.text == "coffee?"
    assert [turn.text for turn in opinion.answered.context] == ["tea?", "Hello there."]
    assert (opinion.answered.persona, opinion.answered.version) == ("maya", "maya@1")


async def test_the_same_button_takes_an_opinion_back_and_the_other_one_changes_it(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    await consents(discord)
    ada = discord.person("Ada")
    answer = await answered(discord, app, ada)
    await told(discord, discord.presses(ada, answer, "👍"))
    assert [one.verdict for one in await opinions(app, ada)] == ["up"]
    await discord.presses(ada, answer, "👎").opens()
    assert [one.verdict for one in await opinions(app, ada)] == ["down"]
    assert "Taken back" in await told(discord, discord.presses(ada, answer, "👎"))
    assert await opinions(app, ada) == []


@pytest.mark.parametrize("after_a_restart", [False, True])
async def test_words_are_added_to_a_thumb_down_that_is_kept_without_them(
    discord: FakeDiscord, settings: Settings, app: App, bot: RunningBot, after_a_restart: bool
) -> None:
    await consents(discord)
    ada = discord.person("Ada")
    answer = await answered(discord, app, ada)
    pressed = discord.presses(ada, answer, "👎")
    form = await pressed.opens()
    assert form["title"] == "They wouldn’t say that"
    (opinion,) = await opinions(app, ada)
    assert (opinion.verdict, opinion.remark) == ("down", "")
    if after_a_restart:
        async with restarted(discord, settings, bot):
            said = await told(discord, discord.submits(pressed, {WORDS: "Too polite."}))
    else:
        said = await told(discord, discord.submits(pressed, {WORDS: "Too polite."}))
    assert "with your words" in said
    (opinion,) = await opinions(app, ada)
    assert (opinion.verdict, opinion.remark) == ("down", "Too polite.")


async def test_a_form_without_words_leaves_the_opinion_as_it_is(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    pressed = await thumbs_down(discord, app, ada)
    assert "your 👎, this answer" in await told(discord, discord.submits(pressed, {}))
    (opinion,) = await opinions(app, ada)
    assert (opinion.verdict, opinion.remark) == ("down", "")


async def test_a_form_takes_no_more_words_than_are_kept(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    pressed = await thumbs_down(discord, app, ada)
    with pytest.raises(ValueError, match="1000"):
        discord.submits(pressed, {WORDS: "x" * (REMARK_MAX_CHARS + 1)})
    await told(discord, discord.submits(pressed, {WORDS: "x" * REMARK_MAX_CHARS}))
    assert len((await opinions(app, ada))[0].remark) == REMARK_MAX_CHARS


async def test_consent_taken_back_between_posting_and_pressing_counts(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    await consents(discord)
    ada = discord.person("Ada")
    answer = await answered(discord, app, ada)
    pressed = discord.presses(ada, answer, "👎")
    await pressed.opens()
    await consents(discord, on=False)
    for verdict in ("👍", "👎"):
        assert await told(discord, discord.presses(ada, answer, verdict)) == NO_CONSENT
    assert await told(discord, discord.submits(pressed, {WORDS: "Late."})) == NO_CONSENT
    assert [one.remark for one in await opinions(app, ada)] == [""]


async def test_words_to_an_opinion_that_was_forgotten_meanwhile_are_not_kept(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    pressed = await thumbs_down(discord, app, ada)
    await discord.uses(ada, "memory forget").answer()
    said = await told(discord, discord.submits(pressed, {WORDS: "Secret."}))
    assert "not kept" in said
    assert await opinions(app, ada) == []


async def test_somebody_elses_opinion_cant_be_given_words(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    await consents(discord)
    ada, bob = discord.person("Ada"), discord.person("Bob")
    answer = await answered(discord, app, ada)
    pressed = discord.presses(ada, answer, "👎")
    form = await pressed.opens()
    other = discord.presses(bob, answer, "👎")
    await other.opens()
    other.modal = form
    assert "not kept" in await told(discord, discord.submits(other, {WORDS: "Mine now."}))
    given = [one for one in await opinions(app, ada) if one.author_id == f"discord:{ada.id}"]
    assert [one.remark for one in given] == [""]


async def test_other_forms_are_left_to_those_who_made_them(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    pressed = await thumbs_down(discord, app, discord.person("Ada"))
    pressed.modal = await pressed.opens() | {"custom_id": "another"}
    with pytest.raises(AssertionError, match="failed"):
        await discord.submits(pressed, {WORDS: "Not yours."}).taken(within_s=0.5)


async def test_an_answer_that_is_forgotten_cant_be_judged(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    await consents(discord)
    ada = discord.person("Ada")
    answer = await answered(discord, app, ada)
    await discord.uses(ada, "chat reset").answer()
    assert await told(discord, discord.presses(ada, answer, "👎")) == GONE
    await until_has(discord, answer)
    assert await opinions(app, ada) == []


async def test_each_of_several_answers_is_judged_for_itself(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    await consents(discord)
    ada = discord.person("Ada")
    answer = await answered(discord, app, ada)
    await discord.presses(ada, answer, "👎").opens()
    model.words = ["Better."]
    discord.presses(ada, answer, "Again")
    await until_says(discord, answer, "Better.")
    await until_has(discord, answer, "Again", "👍", "👎", "‹", "(2/2)", "(›)")
    assert "Kept" in await told(discord, discord.presses(ada, answer, "👍"))
    verdicts = {one.answered.answer.text: one.verdict for one in await opinions(app, ada)}
    assert verdicts == {"Hello there.": "down", "Better.": "up"}


async def test_what_is_deleted_or_edited_later_is_so_in_what_was_kept(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    await consents(discord)
    ada, bob = discord.person("Ada"), discord.person("Bob")
    secret = discord.asks(ada, "secret")
    await until_has(discord, await discord.until_says("Hello there."), "Again", "👍", "👎")
    answer = await answered(discord, app, ada, "tpyo")
    await told(discord, discord.presses(bob, answer, "👍"))
    typo = next(one for one in discord.world.messages if one.content.endswith("tpyo"))
    discord.edits(typo, f"{discord.bot.mention} typo")
    discord.deletes(secret)

    async def kept() -> list[str]:
        (opinion,) = await opinions(app, bob)
        said = (*opinion.answered.context, opinion.answered.question)
        return [turn.text for turn in said if turn is not None]

    async with asyncio.timeout(5):
        while await kept() != ["Hello there.", "typo"]:
            await asyncio.sleep(0.01)
