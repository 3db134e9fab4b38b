"""Replies bring along the chain of messages that they answer."""

from __future__ import annotations

from bot.settings import Settings
from bot.wiring import App
from tests.bot.platforms.stage import RunningBot, bot_on
from tests.bot.platforms.stage_context import HELLO, asked, once_heard, told, until_settled_in
from tests.bot.platforms.stage_memory import until_settled
from tests.fakes.discord import FakeDiscord, Fault, Message, User
from tests.fakes.model import ModelServer


def chain_of(discord: FakeDiscord, people: list[User], texts: list[str]) -> Message:
    last: Message | None = None
    for person, text in zip(people, texts, strict=True):
        last = discord.says(person, text, reply_to=last)
    assert last is not None
    return last


async def test_a_reply_brings_the_chain_it_answers_from_out_of_sight(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada, bee, cat = (discord.person(name) for name in ("Ada", "Bee", "Cat"))
    texts = [f"link {number}" for number in range(8)]
    last = chain_of(discord, [bee, cat] * 4, texts)
    for number in range(40):
        discord.says(bee, f"noise {number}")
    discord.says(ada, f"{discord.bot.mention} who is right?", reply_to=last)
    await discord.until_says(HELLO)
    lines = told(model)
    assert lines[-6:] == [
        "Cat: link 3", "Bee: link 4", "Cat: link 5", "Bee: link 6", "Cat: link 7",
        "Ada: who is right?",
    ]  # fmt: skip
    assert "Bee: noise 39" in lines
    assert "Bee: link 2" not in lines
    before = len(discord.requests("GET", ""))
    again = await asked(discord, model, ada, "really?", last)
    assert again[-6:-1] == lines[-6:-1]
    assert len(discord.requests("GET", "")) == before  # each is looked up once


async def test_a_reply_to_what_just_was_said_needs_no_second_telling(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada, bee = discord.person("Ada"), discord.person("Bee")
    await once_heard(discord, app)
    said = discord.says(bee, "to be or not to be")
    assert await asked(discord, model, ada, "is it?", said) == [
        "Bee: to be or not to be",
        "Ada: is it?",
    ]


async def test_a_chain_that_cannot_be_read_ends_there(
    discord: FakeDiscord, model: ModelServer, settings: Settings, app: App
) -> None:
    ada, bee = discord.person("Ada"), discord.person("Bee")
    last = chain_of(discord, [bee, ada, bee], ["one", "two", "three"])
    for number in range(40):
        discord.says(bee, f"noise {number}")
    discord.breaks(Fault("GET", "/channels/*/messages/*", status=403, times=9))
    async with bot_on(discord, settings, app):
        discord.says(ada, f"{discord.bot.mention} well?", reply_to=last)
        await discord.until_says(HELLO)
    assert told(model)[-2:] == ["Bee: three", "Ada: well?"]


async def test_a_reply_to_a_deleted_message_is_answered(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada, bee = discord.person("Ada"), discord.person("Bee")
    await once_heard(discord, app)
    said = discord.says(bee, "oops")
    discord.deletes(said)
    assert await asked(discord, model, ada, "what was it?", said) == ["Ada: what was it?"]


async def test_the_personas_own_old_words_are_its_own_in_a_chain(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    model.words = ["I love rain."]
    discord.asks(ada, "weather?")
    await until_settled(app, discord, "I love rain.")
    (answer,) = discord.seen()
    await app.memory.reset(f"discord:{discord.general.id}", 0)
    model.words = ["Because."]
    discord.says(ada, "why?", reply_to=answer)
    await discord.until_says("Because.")
    assert [(one["role"], one["content"]) for one in model.questions[-1]["messages"][1:]] == [
        ("user", "Ada: weather?"),
        ("assistant", "I love rain."),
        ("user", "Ada: why?"),
    ]


async def test_a_reply_in_direct_messages_looks_nothing_up(
    discord: FakeDiscord, settings: Settings, app: App, model: ModelServer
) -> None:
    ada = discord.person("Ada")
    direct = discord.direct(ada)
    # Else direct messages of other tests are looked through meanwhile.
    async with bot_on(discord, settings.model_copy(update={"catch_up_minutes": 0}), app):
        first = discord.says(ada, "one", direct)
        await until_settled_in(discord, app, direct)
        before = len(discord.requests("GET", ""))
        second = discord.says(ada, "two", direct, reply_to=first)
        discord.says(ada, "three", direct, reply_to=second)
        assert await discord.world.until(lambda: "Ada: three" in str(model.questions), 8)
        assert len(discord.requests("GET", "")) == before
