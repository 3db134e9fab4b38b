"""The webhooks behind faces: whose they are, how many, and whether a server wants them."""

from __future__ import annotations

import asyncio

import pytest

from bot.settings import Settings
from bot.wiring import App
from tests.bot.platforms.stage import RunningBot, Script, bot_on, speaking, thread_in
from tests.bot.platforms.stage_faces import HELLO, until_said
from tests.fakes.discord import FakeDiscord, Fault, Permission
from tests.fakes.model import ModelServer


@pytest.fixture(autouse=True)
def _may_manage_webhooks(discord: FakeDiscord) -> None:
    discord.bot_role.permissions |= Permission.MANAGE_WEBHOOKS


async def test_two_answers_at_once_make_one_webhook(discord: FakeDiscord, bot: RunningBot) -> None:
    discord.breaks(Fault("POST", "/channels/*/webhooks", "slow", delay_s=0.5, times=9))
    ada = discord.person("Ada")
    threads = [thread_in(discord, discord.general) for _ in range(3)]
    for where in (discord.general, *threads):
        discord.asks(ada, "hi", where)
    for where in (discord.general, *threads):
        await until_said(discord, channel=where)
    assert len(discord.webhooks.all) == 1
    assert len(discord.requests("POST", "/webhooks")) == 1


async def test_after_a_restart_the_webhook_is_known_and_a_reply_to_a_face_is_one_to_the_bot(
    discord: FakeDiscord, settings: Settings, app: App, model: ModelServer
) -> None:
    ada = discord.person("Ada")
    async with bot_on(discord, settings, app):
        discord.asks(ada, "hi")
        answer = await until_said(discord)
    assert await discord.world.until(lambda: not discord.gateway.online, 10)
    model.words = ["Still here."]
    async with bot_on(discord, settings, app):
        discord.says(ada, "and now?", reply_to=answer)
        again = await until_said(discord, "Still here.")
    assert again.webhook_id == answer.webhook_id
    assert len(discord.webhooks.all) == 1


async def test_a_strangers_webhook_is_never_used_and_a_reply_to_one_is_not_for_the_bot(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    ada, script = discord.person("Ada"), Script()
    theirs = discord.makes_webhook(ada, "Understudy")
    async with bot_on(discord, settings, speaking(app, script)):
        news = discord.says(ada, "news", webhook_id=theirs.id)
        discord.says(ada, "so what?", reply_to=news)
        discord.asks(ada, "hi")
        answer = await until_said(discord, script.ending)
    assert [one.text for one in script.heard] == ["hi"]
    assert answer.webhook_id not in (None, theirs.id)


async def test_the_personas_own_messages_are_nobody_to_talk_to(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    await app.places.change(f"discord:channel:{discord.general.id}", mode="always")
    ada = discord.person("Ada")
    discord.says(ada, "hi")
    answer = await until_said(discord)
    discord.redeliver(answer)
    model.words = ["Second."]
    discord.says(ada, "again")
    await until_said(discord, "Second.")
    assert len(model.questions) == 2


async def test_a_second_answer_asks_discord_nothing_about_webhooks(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    for text in ("One.", "Two.", "Three."):
        model.words = [text]
        discord.asks(ada, "next")
        await until_said(discord, text)
    # Once before it was made, and once because it was made: Discord tells of every change.
    assert 1 <= len(discord.requests("GET", "/webhooks")) <= 2


async def test_an_administrator_turns_faces_off_and_on(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    owner, ada = discord.world.owner, discord.person("Ada")
    looked = discord.uses(owner, "admin faces")
    assert await looked.answer() == (
        "Personas speak with their own name and picture in this server."
    )
    assert looked.ephemeral
    changed = discord.uses(owner, "admin faces", on=False)
    assert await changed.answer() == "Personas speak with my name and picture in this server."
    asked = discord.asks(ada, "hi")
    answer = await discord.until_says(HELLO)
    assert (answer.author, answer.reply_to) == (discord.bot, asked.id)
    assert discord.webhooks.all == {}
    await discord.uses(owner, "admin faces", on=True).answer()
    model.words = ["And now."]
    discord.asks(ada, "and now?")
    assert (await until_said(discord, "And now.")).author.display_name == "Maya"


async def test_who_lets_personas_have_faces_hears_that_the_permission_is_missing(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    discord.forbids(discord.general, Permission.MANAGE_WEBHOOKS)
    used = discord.uses(discord.world.owner, "admin faces", on=True)
    assert "Manage Webhooks" in await used.answer()


async def test_faces_are_chosen_by_those_who_may_manage_the_server(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    used = discord.uses(discord.person("Ada"), "admin faces", forged=True, on=False)
    assert await used.answer() == "Only people who may manage this server can do that."


async def test_many_answers_with_faces_meet_no_rate_limit(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    model.words, model.pace_s = [f" {number}" for number in range(60)], 0.02
    threads = [thread_in(discord, discord.general) for _ in range(3)]
    for thread in threads:
        discord.asks(ada, "count", thread)
    whole = "".join(model.words).strip()
    await asyncio.gather(*(until_said(discord, whole, thread) for thread in threads))
    assert discord.rate_limited == []
