"""“Ask the persona about this” in the message menu."""

from __future__ import annotations

import asyncio
import gc

import pytest

from bot.platforms.discord.commands import ask_about
from bot.settings import Settings
from bot.wiring import App, wire
from tests.bot.platforms.pressed import names, until_has
from tests.bot.platforms.stage import RunningBot, bot_on
from tests.bot.platforms.stage_faces import until_said, words
from tests.bot.platforms.stage_memory import messages, until_remembered
from tests.fakes.discord import FakeDiscord, File, Interaction, Message, Permission, User
from tests.fakes.model import ModelServer

MENU = "Ask the persona about this"
QUESTION = "Your question, if you have one"
HELLO = "Hello there."


async def asks_about(
    discord: FakeDiscord, person: User, message: Message, question: str = ""
) -> Interaction:
    used = discord.uses_on(person, MENU, message)
    await used.opens()
    return discord.submits(used, {QUESTION: question})


async def test_the_persona_answers_in_public_as_a_reply_to_the_message(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada, bee = discord.person("Ada"), discord.person("Bee")
    said = discord.says(bee, "to be or not to be")
    for number in range(3):
        discord.says(bee, f"noise {number}")
    asked = await asks_about(discord, ada, said, "Is *that*\n@everyone true?")
    heading = f"-# {ada.mention} asks: Is \\*that\\* @everyone true?"
    answer = await discord.until_says(f"{heading}\n{HELLO}")
    assert answer.reply_to == said.id
    assert answer.pinged == {ada.id}
    assert "below https://discord.com/channels/" in await asked.answer()
    assert asked.ephemeral
    assert model.questions[-1]["messages"][-1]["content"].endswith(
        "noise 2\nBee: to be or not to be\nAda: Is *that*\n@everyone true?"
    )
    await until_remembered(app, ada, ["Is *that*\n@everyone true?"])
    assert await messages(app, bee) == []
    turn = await app.memory.turn(f"discord:{discord.general.id}", answer.id)
    assert turn is not None
    assert turn.answer.text == HELLO


async def test_a_question_is_not_needed(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada, bee = discord.person("Ada"), discord.person("Bee")
    said = discord.says(bee, "read it", files=[File("poem.txt", b"roses")])
    await asks_about(discord, ada, said)
    await discord.until_says(f"-# {ada.mention} asks me about this\n{HELLO}")
    assert model.questions[-1]["messages"][-1]["content"].endswith(
        "Bee: read it\n[file: poem.txt]\nroses\n[end of poem.txt]\nAda: What do you say to this?"
    )


async def test_it_works_in_direct_messages(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    direct = discord.direct(ada)
    discord.says(ada, "hi", direct)
    answer = await discord.until_says(HELLO, direct)
    model.words = ["I meant it."]
    await asks_about(discord, ada, answer, "Did you mean it?")
    await discord.until_says(f"-# {ada.mention} asks: Did you mean it?\nI meant it.", direct)
    assert [one["content"] for one in model.questions[-1]["messages"][1:]] == [
        "Ada: hi", HELLO, "Ada: Did you mean it?"
    ]  # fmt: skip


@pytest.mark.parametrize("whose", ["the bot", "the asker"])
async def test_where_somebody_may_not_speak_only_the_asker_reads_the_answer(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot, whose: str
) -> None:
    ada, bee = discord.person("Ada"), discord.person("Bee")
    said = discord.says(bee, "the news of today")
    whom = ada if whose == "the asker" else discord.bot
    discord.forbids(discord.general, Permission.SEND_MESSAGES, whom)
    model.words = ["A", " long"] + [" word"] * 600
    asked = await asks_about(discord, ada, said, "So?")
    whole = "".join(model.words)
    assert await discord.world.until(
        lambda: asked.text is not None
        and whole == " ".join([asked.text, *(one.content for one in asked.followups)]),
        10,
    )
    assert asked.ephemeral
    assert asked.followups
    assert discord.seen() == []


async def test_nobody_is_answered_where_the_bot_is_off(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    said = discord.says(discord.person("Bee"), "hm")
    await app.places.change(f"discord:channel:{discord.general.id}", mode="off")
    used = discord.uses_on(discord.person("Ada"), MENU, said)
    assert await used.answer() == "An administrator has switched me off in this channel."
    assert used.ephemeral


async def test_limits_hold_for_it(
    discord: FakeDiscord, settings: Settings, model: ModelServer
) -> None:
    limited = settings.model_copy(update={"limit_messages_per_minute": 1})
    ada, bee = discord.person("Ada"), discord.person("Bee")
    said = discord.says(bee, "hm")
    async with wire(limited) as app, bot_on(discord, limited, app):
        await asks_about(discord, ada, said)
        assert await discord.world.until(lambda: len(model.questions) == 1, 5)
        await asks_about(discord, ada, said)
        assert await discord.world.until(lambda: len(discord.seen()) == 2, 5)
    assert len(model.questions) == 1


@pytest.mark.parametrize("faced", [False, True])
async def test_another_answer_is_about_the_same_message(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot, faced: bool
) -> None:
    ada, bee = discord.person("Ada"), discord.person("Bee")
    if faced:
        discord.grants(discord.bot_role, Permission.MANAGE_WEBHOOKS)
    said = discord.says(bee, "to be or not to be")
    await asks_about(discord, ada, said)
    assert await discord.world.until(lambda: ["Again"] in map(names, discord.seen()), 8)
    (answer,) = discord.seen()
    discord.presses(ada, answer, "Again")
    assert await discord.world.until(lambda: "2/2" in "".join(names(answer)), 5)
    first, second = model.questions
    assert "Bee: to be or not to be" in first["messages"][-1]["content"]
    assert second["messages"] == first["messages"]


async def test_another_answer_knows_what_its_question_replied_to(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada, bee = discord.person("Ada"), discord.person("Bee")
    said = discord.says(bee, "to be or not to be")
    discord.says(bee, "noise")
    discord.says(ada, f"{discord.bot.mention} is that so?", reply_to=said)
    answer = await discord.until_says(HELLO)
    await until_has(discord, answer, "Again")
    discord.presses(ada, answer, "Again")
    await until_has(discord, answer, "Again", "‹", "(2/2)", "(›)")
    first, second = model.questions
    assert first["messages"][-1]["content"].endswith("Bee: to be or not to be\nAda: is that so?")
    assert second["messages"] == first["messages"]


@pytest.mark.parametrize("faces", [False, True])
async def test_what_was_asked_stays_above_what_is_said_anew(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot, faces: bool
) -> None:
    if faces:
        discord.grants(discord.bot_role, Permission.MANAGE_WEBHOOKS)
    ada, bee = discord.person("Ada"), discord.person("Bee")
    said = discord.says(bee, "to be or not to be")
    await asks_about(discord, ada, said, "Is that true?")
    heading = f"-# {ada.mention} asks: Is that true?\n"
    answer = await until_said(discord, f"{heading}{HELLO}")
    assert (answer.webhook_id is not None) == faces
    assert answer.pinged == {ada.id}
    model.words = ["Anew."]
    await until_has(discord, answer, "Again")
    await until_remembered(app, ada, ["Is that true?"])
    discord.presses(ada, answer, "Again")
    await until_has(discord, answer, "Again", "‹", "(2/2)", "(›)")
    assert words(answer) == f"{heading}Anew."


@pytest.mark.parametrize("in_public", [True, False])
async def test_who_was_told_of_a_limit_just_now_is_told_that_no_answer_comes(
    discord: FakeDiscord, settings: Settings, in_public: bool
) -> None:
    limited = settings.model_copy(update={"limit_messages_per_minute": 1})
    ada = discord.person("Ada")
    said = discord.says(discord.person("Bee"), "hm")
    if not in_public:
        discord.forbids(discord.general, Permission.SEND_MESSAGES, ada)
    async with wire(limited) as app, bot_on(discord, limited, app):
        for _ in range(3):
            asked = await asks_about(discord, ada, said)
            await asked.taken()
        heard = [asked.original, *asked.followups]
        assert await discord.world.until(
            lambda: any(
                one is not None and one.content.startswith("There is no answer")
                for one in [asked.original, *asked.followups]
            ),
            8,
        ), heard


async def test_a_form_that_is_closed_without_a_word_is_not_kept_for_ever(
    discord: FakeDiscord, bot: RunningBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask_about, "FORM_OPEN_S", 0.1)
    said = discord.says(discord.person("Bee"), "hm")
    await discord.uses_on(discord.person("Ada"), MENU, said).opens()
    async with asyncio.timeout(10):
        while [one for one in gc.get_objects() if type(one) is ask_about._Question]:
            gc.collect()
            await asyncio.sleep(0.1)
