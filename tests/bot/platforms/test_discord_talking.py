"""Who is answered, with what, and how it looks while it grows."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import pairwise

from bot.platforms.discord.reply import EDIT_EVERY_S
from bot.settings import Settings
from bot.wiring import App
from tests.bot.platforms.stage import RunningBot, Script, bot_on, check_pings_only, speaking
from tests.fakes.discord import FakeDiscord, Fault
from tests.fakes.model import ModelServer

HELLO = "Hello there."


def _typed(discord: FakeDiscord, times: int) -> bool:
    return len(discord.requests("POST", "/typing")) == times


def heard(model: ModelServer) -> list[str]:
    """What the model was told last, for each question."""
    return [question["messages"][-1]["content"] for question in model.questions]


async def test_a_mention_is_answered_as_a_reply_to_the_message(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    asked = discord.asks(discord.person("Ada"), "are you there?")
    answer = await discord.until_says(HELLO)
    assert answer.reply_to == asked.id
    assert heard(model) == ["Ada: are you there?"]


async def test_a_direct_message_is_answered_where_it_was_written(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    discord.says(ada, "hi", discord.direct(ada))
    await discord.until_says(HELLO, discord.direct(ada))
    assert discord.seen(discord.general) == []


async def test_a_message_reaches_the_conversation_with_its_ids(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    ada, script = discord.person("Ada"), Script()
    ada.nick = "Countess Ada"
    async with bot_on(discord, settings, speaking(app, script)):
        asked = discord.asks(ada, "hi")
        await discord.until_says(script.ending)
    (incoming,) = script.heard
    assert incoming.conversation == f"discord:{discord.general.id}"
    assert incoming.message_id == asked.id
    assert incoming.author_id == f"discord:{ada.id}"
    assert incoming.author_name == "Countess Ada"
    assert incoming.text == "hi"


async def test_a_reply_to_the_bot_is_answered_even_without_a_ping(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    discord.asks(ada, "hi")
    first = await discord.until_says(HELLO)
    model.words = ["Still here."]
    discord.says(ada, "and now?", reply_to=first, ping=False)
    await discord.until_says("Still here.")
    assert heard(model) == ["Ada: hi", "Ada: and now?"]


async def test_the_bots_own_role_counts_as_a_mention(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    role = next(one for one in discord.world.guild.roles if one.bot_id == discord.bot.id)
    discord.says(discord.person("Ada"), f"{role.mention} hi")
    await discord.until_says(HELLO)
    assert heard(model) == ["Ada: hi"]


async def test_only_messages_meant_for_the_bot_reach_the_conversation(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    ada, bee = discord.person("Ada"), discord.person("Bee")
    robot = discord.person("Robot", bot=True)
    script = Script()
    async with bot_on(discord, settings, speaking(app, script)):
        talk = discord.says(ada, "lovely weather")
        discord.says(bee, "indeed", reply_to=talk)
        discord.says(ada, f"{bee.mention} and tomorrow?")
        discord.says(discord.world.owner, "@everyone cake!")
        discord.asks(robot, "beep")
        discord.says(robot, "beep", discord.direct(robot))
        discord.says(ada, f"{discord.bot.mention} hook", webhook_id="123")
        discord.asks(ada, "last")
        await discord.until_says(script.ending)
    assert [one.text for one in script.heard] == ["last"]


async def test_ids_in_a_message_become_names(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada, bee = discord.person("Ada"), discord.person("Bee")
    bee.nick = "Queen Bee"
    here = discord.general.mention
    text = f"ask {bee.mention} in {here} <:party:12345> {discord.bot.mention}"
    discord.says(ada, text)
    await discord.until_says(HELLO)
    assert heard(model) == ["Ada: ask @Queen Bee in #general :party:"]


async def test_typing_is_shown_until_the_first_words(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    # Nothing to show yet for a while: typing has its moment.
    script = Script(drafts=["", "Hel"], ending="Hello.", pause_s=0.3)
    async with bot_on(discord, settings, speaking(app, script)):
        discord.asks(discord.person("Ada"), "hi")
        answer = await discord.until_says("Hello.")
    ((channel, typed_at_s),) = discord.messages.typings
    assert channel is discord.general
    assert typed_at_s < answer.texts[0].at_s


async def test_words_that_come_before_typing_is_shown_cost_no_connection(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    discord.breaks(Fault("POST", "/channels/*/typing", "slow", times=6, delay_s=0.4))
    ada = discord.person("Ada")
    for turn in range(6):
        model.words = [f"Answer {turn}."]
        discord.asks(ada, "hi")
        await discord.until_says(f"Answer {turn}.")
        typed = partial(_typed, discord, turn + 1)
        assert await discord.world.until(typed, 10)
    # At most three requests at once: typing, the answer, what was said here before.
    assert len({request.port for request in discord.sent}) <= 3


async def test_an_answer_grows_by_few_edits_and_ends_whole(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.words, model.pace_s = [f" word{number}" for number in range(60)], 0.01
    whole = "".join(model.words).strip()
    discord.asks(discord.person("Ada"), "count")
    answer = await discord.until_says(whole)
    assert 2 <= len(answer.edits) <= 4
    assert discord.rate_limited == []
    drafted_at_s = [text.at_s for text in answer.texts[:-1]]
    assert all(later - sooner >= 0.2 for sooner, later in pairwise(drafted_at_s))
    assert all(whole.startswith(text.content) for text in answer.texts)


async def test_one_edit_is_in_flight_and_the_next_carries_the_newest_text(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    drafts = [f"draft {number}" for number in range(60)]
    script = Script(drafts=drafts, ending="The end.", pause_s=0.016)
    discord.breaks(Fault("PATCH", "/channels/*/messages/*", "slow", delay_s=0.3))
    async with bot_on(discord, settings, speaking(app, script)):
        discord.asks(discord.person("Ada"), "go")
        answer = await discord.until_says("The end.")
    # What came in the 0.3 s of the slow one, and in the pause after it, is one edit.
    assert len(answer.edits) <= 4
    numbers = [int(text.content.split()[1]) for text in answer.texts[:-1]]
    assert numbers == sorted(numbers)
    assert numbers[2] - numbers[1] >= 15


async def test_edits_of_a_long_stream_meet_no_rate_limit(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.words, model.pace_s = [f" {number}" for number in range(120)], 0.02
    discord.asks(discord.person("Ada"), "count on")
    answer = await discord.until_says("".join(model.words).strip(), within_s=15)
    assert len(answer.edits) >= 6
    assert discord.rate_limited == []


def test_four_drafts_leave_room_for_the_end_in_discords_five_edits() -> None:
    assert 5 / EDIT_EVERY_S <= 4


async def test_a_long_answer_goes_on_in_further_messages(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.words = [f" This is sentence number {number} of a long tale." for number in range(120)]
    tale = "".join(model.words).strip()
    asked = discord.asks(discord.person("Ada"), "tell me a tale")

    def told() -> str:
        return " ".join(message.content for message in discord.answers(asked))

    assert await discord.world.until(lambda: told() == tale, 8)
    parts = discord.answers(asked)
    assert len(parts) == 3
    assert all(len(part.content) <= 2000 for part in parts)
    assert all(part.content.endswith("tale.") for part in parts)
    assert [part.reply_to for part in parts] == [asked.id, None, None]


async def test_an_answer_pings_only_the_person_answered_and_unfurls_nothing(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada, bee = discord.person("Ada"), discord.person("Bee")
    role = discord.world.guild.roles[1]
    loud = f"@everyone @here {bee.mention} {role.mention} {ada.mention} https://example.org"
    model.words, model.pace_s = ["@everyone", loud.removeprefix("@everyone")], 0.3
    discord.asks(ada, "be loud")
    answer = await discord.until_says(loud)
    assert answer.edits
    check_pings_only(ada, answer)


async def test_many_channels_are_answered_at_once(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    model.pace_s = 0.3
    channels = [discord.channel(f"room-{number}") for number in range(10)]
    began_s = asyncio.get_running_loop().time()
    for channel in channels:
        discord.asks(ada, "hi", channel)
    for channel in channels:
        await discord.until_says(HELLO, channel)
    took_s = asyncio.get_running_loop().time() - began_s
    assert took_s < 4.5  # one after the other would take nine seconds


async def test_a_persona_is_remembered_to_have_spoken(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada, bee = discord.person("Ada"), discord.person("Bee")
    discord.asks(ada, "my cat is called Fred")
    await discord.until_says(HELLO)
    model.words = ["Fred, of course."]
    discord.asks(bee, "what is her cat called?")
    await discord.until_says("Fred, of course.")
    told = [message["content"] for message in model.questions[-1]["messages"][1:]]
    assert told == ["Ada: my cat is called Fred", HELLO, "Bee: what is her cat called?"]
