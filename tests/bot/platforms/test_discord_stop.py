"""Stop under a growing answer, and /chat stop."""

from __future__ import annotations

from discord import Permissions

from bot.wiring import App
from tests.bot.platforms.pressed import (
    HELLO,
    NOT_YOURS,
    STOPPED,
    names,
    speaks_at_length,
    told,
    until_has,
    until_says,
)
from tests.bot.platforms.stage import RunningBot, lets
from tests.fakes.discord import FakeDiscord, Message, User
from tests.fakes.model import ModelServer


async def growing(discord: FakeDiscord, model: ModelServer, person: User) -> Message:
    speaks_at_length(model)
    asked = discord.asks(person, "tell me all")
    assert await discord.world.until(lambda: bool(discord.answers(asked)), 5)
    return discord.answers(asked)[0]


async def test_stop_ends_an_answer_and_what_was_said_stays_and_is_remembered(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    answer = await growing(discord, model, ada)
    await discord.presses(ada, answer, "Stop").taken()
    await until_has(discord, answer, "Again")
    assert answer.content.startswith("word0")
    assert answer.content.endswith(STOPPED)
    assert await discord.world.until(lambda: model.speaking == 0, 5)
    model.words, model.pace_s = ["New."], 0
    discord.asks(ada, "and now?")
    await discord.until_says("New.")
    assert "word0" in model.questions[-1]["messages"][2]["content"]


async def test_strangers_stop_nothing_and_moderators_do(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada, bob, mod = discord.person("Ada"), discord.person("Bob"), discord.person("Mod")
    lets(discord, mod, Permissions(manage_messages=True))
    answer = await growing(discord, model, ada)
    pressed = discord.presses(bob, answer, "Stop")
    assert await told(discord, pressed) == NOT_YOURS
    assert names(answer) == ["Stop"]
    for _ in range(2):
        discord.presses(mod, answer, "Stop")
    await until_has(discord, answer, "Again")
    assert answer.content.endswith(STOPPED)


async def test_stop_under_an_answer_of_a_dead_process_offers_a_retry(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    question = discord.asks(ada, "hi")
    await discord.until_says(HELLO)
    dead = discord.asks(ada, "are you there?", discord.channel("elsewhere"))
    await discord.until_says(HELLO, dead.channel)
    (answer,) = await discord.final_answer(dead)
    await app.memory.reset(f"discord:{dead.channel.id}")
    button = {"type": 2, "style": 2, "label": "Stop", "custom_id": "answer:stop"}
    stop = [{"type": 1, "components": [button]}]
    discord.messages.change(answer, {"components": stop})
    pressed = discord.presses(ada, answer, "Stop")
    assert "interrupted" in await told(discord, pressed)
    await until_has(discord, answer, "Retry")
    # Its question was answered already, as far as anybody knows.
    taken = "I answered that already, or am about to. If nothing comes, press again in a minute."
    assert await told(discord, discord.presses(ada, answer, "Retry")) == taken
    assert names(answer) == ["Retry"]
    # The same under an answer that is remembered: it is shown as it is.
    (whole,) = discord.answers(question)[:1]
    discord.messages.change(whole, {"content": "Hel", "components": stop})
    await discord.presses(ada, whole, "Stop").taken()
    await until_says(discord, whole, HELLO)
    await until_has(discord, whole, "Again")


async def test_chat_stop_stops_ones_own_answers_and_says_how_many(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada, bob = discord.person("Ada"), discord.person("Bob")
    assert await discord.uses(bob, "chat stop").answer() == (
        "I am saying nothing to you here right now."
    )
    answer = await growing(discord, model, ada)
    waiting = discord.asks(bob, "me, too")
    used = discord.uses(bob, "chat stop")
    assert await used.answer() == "Stopped 1 answer."
    assert used.ephemeral
    assert names(answer) == ["Stop"]
    (told_bob,) = await discord.final_answer(waiting)
    assert told_bob.content == "Stopped."
    discord.asks(bob, "and again")
    assert await discord.uses(discord.world.owner, "chat stop").answer() == "Stopped 2 answers."
    await until_has(discord, answer, "Again")


async def test_chat_stop_before_the_first_word_leaves_a_way_to_have_it_answered(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    model.first_word_after_s = 30
    asked = discord.asks(ada, "hi")
    assert await discord.world.until(lambda: model.speaking == 1, 5)
    assert await discord.uses(ada, "chat stop").answer() == "Stopped 1 answer."
    (answer,) = await discord.final_answer(asked)
    assert answer.content == "Stopped."
    model.first_word_after_s = 0
    discord.presses(ada, answer, "Again")
    await until_says(discord, answer, HELLO)
    await until_has(discord, answer, "Again")
