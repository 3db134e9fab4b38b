"""Personas speak with their own name and picture, where a server lets them."""

from __future__ import annotations

import pytest

from bot.cards import Persona
from bot.platforms.discord.faces import Face
from bot.settings import Settings
from bot.wiring import App
from tests.bot.platforms.stage import (
    SUPPRESS_EMBEDS,
    RunningBot,
    Script,
    bot_on,
    check_pings_only,
    speaking,
    thread_in,
)
from tests.bot.platforms.stage_faces import HELLO, said, until_said, until_shown, words
from tests.fakes.discord import FakeDiscord, Permission
from tests.fakes.discord.nouns import FORUM, VOICE_CHANNEL
from tests.fakes.discord.nouns import Face as SeenFace
from tests.fakes.model import ModelServer, persona


@pytest.fixture(autouse=True)
def _may_manage_webhooks(discord: FakeDiscord) -> None:
    discord.bot_role.permissions |= Permission.MANAGE_WEBHOOKS


# -- how an answer looks --------------------------------------------------------------------


async def test_an_answer_has_the_personas_name_and_picture_and_a_jump_line(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.personas = [persona("maya", avatar="https://example.org/maya.png")]
    ada = discord.person("Ada")
    asked = discord.asks(ada, "hello you")
    answer = await until_said(discord)
    assert isinstance(answer.author, SeenFace)
    assert answer.author.display_name == "Maya"
    assert answer.author.avatar_url == "https://example.org/maya.png"
    where = f"https://discord.com/channels/{discord.world.guild.id}/{asked.channel.id}/{asked.id}"
    assert answer.content == f"-# ↪ <@{ada.id}> [this message]({where})\n{HELLO}"
    assert answer.flags & SUPPRESS_EMBEDS
    assert discord.seen() == [answer]


async def test_an_answer_grows_under_its_jump_line_and_pings_only_the_person_answered(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada, bee = discord.person("Ada"), discord.person("Bee")
    role = discord.world.guild.roles[1]
    loud = f"@everyone @here {bee.mention} {role.mention}"
    model.words, model.pace_s = ["@everyone", loud.removeprefix("@everyone")], 0.5
    discord.says(ada, f"{discord.bot.mention} @everyone {bee.mention} say it")
    answer = await until_said(discord, loud)
    assert answer.edits
    assert all(text.content.startswith(f"-# ↪ {ada.mention} ") for text in answer.texts)
    check_pings_only(ada, answer)


async def test_the_jump_line_counts_and_stands_above_the_first_message_only(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.words = ["x" * 1500, " ", "y" * 480, " ", "z" * 1000]
    asked = discord.asks(discord.person("Ada"), "tell me a lot")
    await until_said(discord, "y" * 480 + " " + "z" * 1000)
    first, second = discord.answers(asked)
    assert words(first) == "x" * 1500
    assert first.content != words(first)
    assert second.content == words(second)
    assert {one.author.display_name for one in (first, second)} == {"Maya"}


async def test_memory_keeps_the_words_and_not_the_jump_line(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.words, model.pace_s = ["Hello", " there."], 0.5
    ada = discord.person("Ada")
    discord.asks(ada, "hi")
    answer = await until_said(discord)
    assert answer.edits
    model.words, model.pace_s = ["Yes."], 0
    discord.asks(ada, "still there?")
    await until_said(discord, "Yes.")
    told = [message["content"] for message in model.questions[-1]["messages"][1:]]
    assert told == ["Ada: hi", HELLO, "Ada: still there?"]


async def test_who_waits_hears_it_from_the_persona_in_the_message_that_becomes_the_answer(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    class Busy(Script):
        async def answer(self, incoming: object, reply: object) -> None:
            await reply.working(Persona(name="maya", display_name="Maya"))  # type: ignore[attr-defined]
            await reply.waiting(1)  # type: ignore[attr-defined]
            assert await discord.world.until(lambda: bool(discord.seen()), 10)
            await reply.finish(HELLO)  # type: ignore[attr-defined]

    async with bot_on(discord, settings, speaking(app, Busy())):
        discord.asks(discord.person("Ada"), "hi")
        answer = await until_said(discord)
    assert len(answer.texts) == 2
    assert said(discord) == [("Maya", HELLO)]


@pytest.mark.parametrize(
    ("display_name", "shown"),
    [
        ("Maya, 17", "Maya, 17"),
        ("Discord Clyde", "D\u200aiscord C\u200alyde"),
        ("m" * 200, "m" * 80),
        (" \u202e\u0000Tom\nHanks ", "Tom Hanks"),
        ("\u200b", "tom"),
    ],
)
async def test_a_display_name_is_made_to_fit_discords_rules(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot, display_name: str, shown: str
) -> None:
    model.personas = [persona("tom", display_name=display_name, avatar="pictures/tom.png")]
    discord.asks(discord.person("Ada"), "hi")
    answer = await until_said(discord)
    assert answer.author.display_name == shown
    assert isinstance(answer.author, SeenFace)
    assert str(answer.author.avatar_url).startswith("https://cdn.discordapp.com/")  # the bot's


def test_a_picture_is_an_address_on_the_web() -> None:
    def picture(avatar: str) -> str | None:
        return Face.of(Persona(name="maya", display_name="Maya", avatar=avatar)).avatar

    assert picture("https://example.org/a.png") == "https://example.org/a.png"
    for other in ("file:///etc/passwd", "data:image/png;base64,AAAA", "maya.png"):
        assert picture(other) is None
    assert picture("https://example.org/" + "a" * 3000) is None


# -- where ----------------------------------------------------------------------------------


async def test_threads_use_the_webhook_of_their_channel(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    thread = thread_in(discord, discord.general)
    discord.asks(ada, "hi", thread)
    in_thread = await until_said(discord, channel=thread)
    discord.asks(ada, "hi")
    outside = await until_said(discord)
    assert in_thread.webhook_id == outside.webhook_id
    assert len(discord.webhooks.all) == 1
    assert said(discord, thread) == [("Maya", HELLO)]


async def test_an_answer_in_a_thread_grows_there(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.words, model.pace_s = ["Hello", " there."], 0.5
    thread = thread_in(discord, discord.general)
    discord.asks(discord.person("Ada"), "hi", thread)
    assert (await until_said(discord, channel=thread)).edits
    assert discord.seen() == []


async def test_personas_have_faces_in_forum_posts_and_in_the_chat_of_voice_channels(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    post = discord.starts_thread(ada, "A post", discord.channel("forum", kind=FORUM))
    voice = discord.channel("lounge", kind=VOICE_CHANNEL)
    for where in (post, voice):
        discord.asks(ada, "hi", where)
        assert (await until_said(discord, channel=where)).author.display_name == "Maya"


async def test_in_direct_messages_the_bot_is_itself(discord: FakeDiscord, bot: RunningBot) -> None:
    ada = discord.person("Ada")
    discord.says(ada, "hi", discord.direct(ada))
    answer = await discord.until_says(HELLO, discord.direct(ada))
    assert answer.author is discord.bot


async def test_without_the_permission_the_bot_is_itself_until_it_gets_it(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    discord.forbids(discord.general, Permission.MANAGE_WEBHOOKS)
    asked = discord.asks(ada, "hi")
    answer = await discord.until_says(HELLO)
    assert (answer.author, answer.reply_to) == (discord.bot, asked.id)
    assert discord.requests("POST", "/webhooks") == []
    discord.allows(discord.general, Permission.MANAGE_WEBHOOKS)
    model.words = ["And now."]
    discord.asks(ada, "and now?")
    assert (await until_said(discord, "And now.")).author.display_name == "Maya"


async def test_a_webhook_is_no_way_around_a_channel_where_the_bot_may_not_write(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    discord.asks(ada, "hi")
    await until_said(discord)
    discord.forbids(discord.general, Permission.SEND_MESSAGES)
    discord.asks(ada, "hi")
    direct = discord.direct(ada)
    assert await discord.world.until(lambda: bool(discord.seen(direct)), 10)
    assert "I may not write there" in discord.seen(direct)[0].content
    assert len(discord.seen()) == 1


async def test_before_anybody_is_known_to_speak_the_bot_does(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.personas = []
    discord.asks(discord.person("Ada"), "hi")
    assert (await until_shown(discord)).author is discord.bot


# -- the setting ----------------------------------------------------------------------------
