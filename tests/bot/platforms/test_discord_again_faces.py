"""Again, and the way back, where personas have faces and some of them type in bursts."""

from __future__ import annotations

from typing import Any

import pytest

from bot.settings import Settings
from bot.store import Ask
from bot.wiring import App
from tests.bot.platforms.pressed import HELLO, names, restarted, until_has
from tests.bot.platforms.stage import RunningBot, thread_in
from tests.bot.platforms.stage_faces import said, until_said
from tests.bot.platforms.stage_memory import until_kept
from tests.fakes.discord import Channel, FakeDiscord, Message, Permission, User
from tests.fakes.model import ModelServer, persona


@pytest.fixture(autouse=True)
def _may_manage_webhooks(discord: FakeDiscord) -> None:
    discord.bot_role.permissions |= Permission.MANAGE_WEBHOOKS


@pytest.fixture
def ada(discord: FakeDiscord) -> User:
    return discord.person("Ada")


async def faced(
    discord: FakeDiscord, app: App, asked: Message, text: str = HELLO, where: Channel | None = None
) -> Message:
    """The message with the buttons of an answer that is remembered, too."""
    await until_said(discord, text, where)
    last = discord.seen(asked.channel)[-1]
    await until_kept(app, last)
    return last


async def test_again_keeps_the_face_and_the_jump_line_also_after_a_restart(
    discord: FakeDiscord,
    settings: Settings,
    app: App,
    model: ModelServer,
    bot: RunningBot,
    ada: User,
) -> None:
    asked = discord.asks(ada, "tea?")
    answer = await faced(discord, app, asked)
    line = answer.content.removesuffix(HELLO)
    async with restarted(discord, settings, bot):
        model.words = ["Coffee."]
        discord.presses(ada, answer, "Again")
        await until_has(discord, answer, "Again", "‹", "(2/2)", "(›)")
        assert answer.content == f"{line}Coffee."
        discord.presses(ada, answer, "‹")
        await until_said(discord)
    assert len(discord.seen()) == 1


async def test_after_a_deleted_webhook_again_still_says_whom_it_answers(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot, ada: User
) -> None:
    discord.grants(discord.bot_role, Permission.MANAGE_MESSAGES)
    answer = await faced(discord, app, discord.asks(ada, "tea?"))
    line = answer.content.removesuffix(HELLO)
    (webhook,) = discord.webhooks.all.values()
    discord.deletes_webhook(webhook)
    model.words = ["Coffee."]
    discord.presses(ada, answer, "Again")
    new = await until_said(discord, "Coffee.")
    await until_has(discord, new, "Again", "‹", "(2/2)", "(›)")
    assert new.content == f"{line}Coffee."
    assert said(discord) == [("Maya", "Coffee.")]


async def test_where_faces_are_impossible_by_then_it_is_a_reply_to_the_question(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot, ada: User
) -> None:
    asked = discord.asks(ada, "tea?")
    answer = await faced(discord, app, asked)
    (webhook,) = discord.webhooks.all.values()
    discord.revokes(discord.bot_role, Permission.MANAGE_WEBHOOKS)
    discord.deletes_webhook(webhook)
    model.words = ["Coffee."]
    discord.presses(ada, answer, "Again")
    new = await discord.until_says("Coffee.")
    assert (new.author, new.reply_to) == (discord.bot, asked.id)


async def test_another_persona_does_not_speak_with_the_face_of_the_one_before(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot, ada: User
) -> None:
    answer = await faced(discord, app, discord.asks(ada, "tea?"))
    line = answer.content.removesuffix(HELLO)
    await discord.uses(ada, "persona switch", name="tom").answer()
    model.words = ["Coffee."]
    discord.presses(ada, answer, "Again")
    new = await until_said(discord, "Coffee.")
    await until_has(discord, new, "Again", "‹", "(2/2)", "(›)")
    assert (new.author.display_name, new.content) == ("Tom", f"{line}Coffee.")
    assert await discord.world.until(lambda: answer.deleted, 5)
    discord.presses(ada, new, "‹")
    old = await until_said(discord)
    await until_has(discord, old, "Again", "(‹)", "(1/2)", "›")
    assert (old.author.display_name, old.content) == ("Maya", f"{line}{HELLO}")
    assert await discord.world.until(lambda: new.deleted, 5)


async def test_what_the_bot_began_as_itself_gets_no_face_half_way(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot, ada: User
) -> None:
    discord.revokes(discord.bot_role, Permission.MANAGE_WEBHOOKS)
    answer = await faced(discord, app, discord.asks(ada, "tea?"))
    discord.grants(discord.bot_role, Permission.MANAGE_WEBHOOKS)
    model.words = ["x" * 1500, " ", "y" * 1500]
    discord.presses(ada, answer, "Again")
    assert await discord.world.until(
        lambda: any("(2/2)" in names(one) for one in discord.seen()), 8
    )
    assert [one.content for one in discord.seen()] == ["x" * 1500, "y" * 1500]
    assert {one.author.id for one in discord.seen()} == {discord.bot.id}


async def test_a_burst_that_comes_back_is_one_again(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot, ada: User
) -> None:
    layout = {"version": 1, "speaker_label": "{name}: ", "window_messages": 16}
    layout["burst_separator"] = "<|next|>"
    model.personas = [persona("maya", current=3, prompt_format=layout)]
    model.words = ["one", "<|next|>", "two"]
    app.personas.look_again()
    last = await faced(discord, app, discord.asks(ada, "hi"), "two")
    model.words = ["Short."]
    discord.presses(ada, last, "Again")
    new = await until_said(discord, "Short.")
    await until_has(discord, new, "Again", "‹", "(2/2)", "(›)")
    discord.presses(ada, new, "‹")
    await until_said(discord, "two")
    assert said(discord) == [("Maya", "one"), ("Maya", "two")]


async def test_long_and_short_answers_take_turns_in_a_thread_too(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot, ada: User
) -> None:
    thread = thread_in(discord, discord.general)
    model.words = ["x" * 1500, " ", "y" * 1500]
    last = await faced(discord, app, discord.asks(ada, "a lot?", thread), "y" * 1500, thread)
    first, _ = discord.seen(thread)
    model.words = ["Short."]
    discord.presses(ada, last, "Again")
    await until_said(discord, "Short.", thread)
    await until_has(discord, first, "Again", "‹", "(2/2)", "(›)")
    assert last.deleted
    discord.presses(ada, first, "‹")
    last = await until_said(discord, "y" * 1500, thread)
    await until_has(discord, last, "Again", "(‹)", "(1/2)", "›")
    assert said(discord, thread) == [("Maya", "x" * 1500), ("Maya", "y" * 1500)]


async def test_what_a_dead_process_began_with_a_face_is_stopped_and_asked_again(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot, ada: User
) -> None:
    asked = discord.asks(ada, "tea?")
    answer = await faced(discord, app, asked)
    await app.memory.delete(f"discord:{answer.channel.id}", [asked.id, answer.id])
    key = f"understudy:conversation:{{discord:{answer.channel.id}}}:answered"
    await app.people._store.ask(Ask("return redis.call('DEL', KEYS[1])", (key,), (), int))
    answer.components = [stop_row()]
    discord.presses(ada, answer, "Stop")
    await until_has(discord, answer, "Retry")
    model.words = ["Yes."]
    discord.presses(ada, answer, "Retry")
    await until_said(discord, "Yes.")
    await until_has(discord, answer, "Again")
    assert said(discord) == [("Maya", "Yes.")]


def stop_row() -> dict[str, Any]:
    button = {"type": 2, "style": 2, "label": "Stop", "custom_id": "answer:stop", "id": 2}
    return {"type": 1, "id": 1, "components": [button]}
