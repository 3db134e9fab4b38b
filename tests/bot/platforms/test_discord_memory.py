"""Memory follows what people see on Discord, and people see what it holds of them."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import pytest

from bot.settings import Settings
from bot.wiring import App
from tests.bot.platforms.stage import RunningBot
from tests.bot.platforms.stage_memory import (
    HELLO,
    messages,
    tapped,
    until_remembered,
    until_settled,
)
from tests.fakes.discord import FakeDiscord
from tests.fakes.model import ModelServer
from tests.fakes.wire_tap import WireTap

# -- edits and deletions --------------------------------------------------------------------


async def test_an_edited_message_is_remembered_as_it_reads_now(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada, bee = discord.person("Ada"), discord.person("Bee")
    asked = discord.asks(ada, "tea?")
    await until_settled(app, discord)
    discord.edits(asked, f"{discord.bot.mention} coffee with {bee.mention}?")
    await until_remembered(app, ada, ["coffee with @Bee?"])
    model.words = ["Both."]
    discord.asks(bee, "which?")
    await discord.until_says("Both.")
    assert [one["content"] for one in model.questions[-1]["messages"][1:]] == [
        "Ada: coffee with @Bee?",
        HELLO,
        "Bee: which?",
    ]


async def test_quick_edits_leave_the_last_one(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    asked = discord.asks(ada, "0")
    await until_settled(app, discord)
    for number in range(1, 21):
        discord.edits(asked, f"{discord.bot.mention} {number}")
    await until_remembered(app, ada, ["20"])


@pytest.mark.parametrize("at_once", [False, True])
async def test_deleted_messages_are_forgotten(
    discord: FakeDiscord, app: App, bot: RunningBot, at_once: bool
) -> None:
    ada = discord.person("Ada")
    asked = [discord.asks(ada, text) for text in ("one", "two", "three")]
    await until_remembered(app, ada, ["one", "two", "three"])
    gone = [asked[0], asked[2]]
    if at_once:
        discord.deletes_all(gone)
    else:
        for message in gone:
            discord.deletes(message)
    await until_remembered(app, ada, ["two"])


async def test_any_deleted_part_of_an_answer_takes_the_answer_along(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    model.words = ["x" * 1500, " ", "y" * 1500]
    ada = discord.person("Ada")
    discord.asks(ada, "tell me a lot")
    await until_settled(app, discord, "y" * 1500)
    where = f"discord:{discord.general.id}"
    first, second = discord.seen()
    assert await app.memory.turn(where, first.id) == await app.memory.turn(where, second.id)
    discord.deletes(second)
    async with asyncio.timeout(5):
        while await app.memory.turn(where, first.id) is not None:
            await asyncio.sleep(0.01)
    model.words = ["Hm."]
    discord.asks(ada, "and now?")
    await discord.until_says("Hm.")
    assert [one["content"] for one in model.questions[-1]["messages"][1:]] == [
        "Ada: tell me a lot\nAda: and now?"
    ]


async def test_a_question_deleted_while_it_is_answered_leaves_nothing_behind(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    model.pace_s = 0.2
    ada = discord.person("Ada")
    asked = discord.asks(ada, "forget this")
    await until_remembered(app, ada, ["forget this"])
    discord.deletes(asked)
    await until_remembered(app, ada, [])
    await discord.until_says(HELLO)
    model.pace_s, model.words = 0, ["New."]
    discord.asks(ada, "anew")
    await discord.until_says("New.")
    assert [one["content"] for one in model.questions[-1]["messages"][1:]] == ["Ada: anew"]


async def test_an_answer_that_grows_by_edits_costs_memory_nothing_more(
    discord: FakeDiscord, settings: Settings, app: App, redis_home: Path, model: ModelServer
) -> None:
    ada, robot = discord.person("Ada"), discord.person("Robot", bot=True)
    async with tapped(discord, settings, redis_home) as (tap, _):  # `app` looks past the tap
        discord.asks(ada, "hi")
        await until_settled(app, discord)  # the connection is made
        model.pace_s, model.words = 0.3, ["One", " two", " three", " four."]
        before = scripts_run(tap)
        beeped = discord.says(robot, "beep")
        asked = discord.asks(ada, "again")
        answer = await discord.until_says("One two three four.")
        await until_settled(app, discord, "One two three four.")
        discord.edits(beeped, "beep beep")
        discord.gateway.dispatch_message("MESSAGE_UPDATE", asked)  # as for a link's preview
        discord.edits(asked, f"{discord.bot.mention} once more")
        await until_remembered(app, ada, ["hi", "once more"])
        assert len(answer.texts) > 2
        # Admission with the author's trace and three places (one trip), the end, the one true edit
        # in memory and in feedback.
        assert scripts_run(tap) - before == 5 + 1 + 2


async def test_a_change_while_redis_is_away_is_only_a_line_in_the_log(
    discord: FakeDiscord,
    settings: Settings,
    app: App,
    redis_home: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with tapped(discord, settings, redis_home) as (tap, _):
        asked = discord.asks(discord.person("Ada"), "hi")
        await until_settled(app, discord)
        tap.target = redis_home / "nothing-here"
        await tap.cut()
        discord.deletes(asked)
        async with asyncio.timeout(10):
            while "memory could not be told" not in caplog.text:
                await asyncio.sleep(0.01)
        ours = [one for one in caplog.records if one.name.startswith(("bot", "discord"))]
        assert not [one for one in ours if one.levelno >= logging.ERROR]


def scripts_run(tap: WireTap) -> int:
    return sum(sent.count(b"\r\nEVAL\r\n") for sent in tap.sent)


# -- /memory --------------------------------------------------------------------------------


async def test_a_person_sees_what_is_remembered_of_them_and_where(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    elsewhere, direct = discord.channel("elsewhere"), discord.direct(ada)
    discord.asks(ada, "one")
    discord.asks(ada, "two", elsewhere)
    discord.says(ada, "three", direct)
    discord.asks(discord.person("Bee"), "not Ada's")
    await until_remembered(app, ada, ["one", "two", "three"])
    used = discord.uses(ada, "memory show")
    first, *lines = (await used.answer()).splitlines()
    assert used.ephemeral
    assert first == "I remember 3 messages of yours."
    places = {line.partition(": 1, <t:")[0] for line in lines}
    assert places == {
        f"- {discord.general.mention}",
        f"- {elsewhere.mention}",
        "- our direct messages",
    }


async def test_nothing_is_shown_forgotten_or_sent_of_a_stranger(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    for command in ("show", "forget", "export"):
        used = discord.uses(ada, f"memory {command}")
        assert await used.answer() == "I remember nothing of you."
        assert used.ephemeral
    assert discord.seen(discord.direct(ada)) == []


async def test_who_wants_to_be_forgotten_is_and_hears_how_much_it_was(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    asked = discord.asks(ada, "secret")
    await until_settled(app, discord)
    where, author = f"discord:{discord.general.id}", f"discord:{ada.id}"
    answered = await app.memory.turn(where, discord.answers(asked)[0].id)
    assert answered is not None
    await app.feedback.give(author, where, answered, "up")
    used = discord.uses(ada, "memory forget")
    assert await used.answer() == (
        "I have forgotten 1 message of yours and 1 opinion on answers. What I said myself stays."
    )
    assert used.ephemeral
    assert await messages(app, ada) == []


async def test_an_export_comes_as_a_file_by_direct_message(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    discord.asks(ada, "grüß dich 😀")
    await until_settled(app, discord)
    used = discord.uses(ada, "memory export")
    assert await used.answer() == ("I have sent you what I remember of you in a direct message.")
    assert used.ephemeral
    (sent,) = discord.seen(discord.direct(ada))
    (attached,) = sent.attachments
    assert attached.filename == "memory.json"
    exported = json.loads(attached.file.data)
    assert [one["text"] for one in exported["messages"]] == ["grüß dich 😀"]
    assert exported["author_id"] == f"discord:{ada.id}"


async def test_an_export_to_somebody_who_takes_no_messages_says_what_to_do(
    discord: FakeDiscord, app: App, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    ada.closed_to_messages = True
    discord.asks(ada, "hi")
    await until_settled(app, discord)
    used = discord.uses(ada, "memory export")
    assert "Allow direct messages" in await used.answer()
    assert used.ephemeral
