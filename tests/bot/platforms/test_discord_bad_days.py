"""What breaks at Discord or on the way: nothing lost, nothing doubled, nobody left alone."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest

from bot.settings import Settings
from bot.wiring import App
from tests.bot.platforms.stage import RunningBot, Script, bot_on, settled, speaking
from tests.fakes.discord import FakeDiscord, Fault, Permission
from tests.fakes.model import ModelServer

HELLO = "Hello there."
SEND = "/channels/*/messages"
EDIT = "/channels/*/messages/*"


# -- REST -----------------------------------------------------------------------------------


async def test_a_send_whose_answer_was_lost_is_there_once(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    discord.breaks(Fault("POST", SEND, "lost answer"))
    asked = discord.asks(discord.person("Ada"), "hi")
    assert await settled(discord, asked) == [HELLO]
    sends = discord.requests("POST", "/messages")
    assert [one.status for one in sends] == [0, 200]
    nonces = {one.body["nonce"] for one in sends if isinstance(one.body, dict)}
    assert len(nonces) == 1


async def test_a_send_that_never_arrived_is_made_again(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    discord.breaks(Fault("POST", SEND, "dropped"))
    asked = discord.asks(discord.person("Ada"), "hi")
    assert await settled(discord, asked) == [HELLO]


async def test_a_last_edit_whose_answer_was_lost_is_made_again(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.words, model.pace_s = ["Hello", " there."], 0.2
    discord.breaks(Fault("PATCH", EDIT, "dropped"))
    asked = discord.asks(discord.person("Ada"), "hi")
    assert await settled(discord, asked) == [HELLO]


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_send_that_discord_fails_is_made_again(
    discord: FakeDiscord, bot: RunningBot, status: int
) -> None:
    discord.breaks(Fault("POST", SEND, status=status))
    asked = discord.asks(discord.person("Ada"), "hi")
    assert await settled(discord, asked) == [HELLO]


async def test_a_rate_limit_only_delays_an_answer(discord: FakeDiscord, bot: RunningBot) -> None:
    discord.breaks(Fault("POST", SEND, "rate limited", retry_after_s=0.4))
    asked = discord.asks(discord.person("Ada"), "hi")
    (answer,) = await discord.final_answer(asked, quiet_s=0.6)
    assert answer.content == HELLO
    sends = discord.requests("POST", "/messages")
    assert sends[1].at_s - sends[0].at_s >= 0.4


async def test_a_global_rate_limit_only_delays_an_answer(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    discord.breaks(Fault("POST", SEND, "rate limited", retry_after_s=0.4, is_global=True))
    asked = discord.asks(discord.person("Ada"), "hi")
    assert await settled(discord, asked) == [HELLO]


async def test_a_block_at_the_edge_is_waited_out_as_asked(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    discord.breaks(Fault("POST", SEND, "blocked", retry_after_s=1))
    asked = discord.asks(discord.person("Ada"), "hi")
    assert await settled(discord, asked) == [HELLO]
    sends = discord.requests("POST", "/messages")
    assert sends[1].at_s - sends[0].at_s >= 1.0


async def test_true_buckets_are_obeyed_without_a_single_429(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    ada = discord.person("Ada")
    async with bot_on(discord, settings, speaking(app, Script())):
        began_s = time.monotonic()
        for number in range(7):  # five sends in a second are allowed here
            discord.asks(ada, f"question {number}")
            await asyncio.sleep(0.05)
        assert await discord.world.until(lambda: len(discord.seen()) == 7, 10)
        assert time.monotonic() - began_s > 1.0
    assert discord.rate_limited == []


async def test_typing_that_fails_does_not_stop_the_answer(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.words, model.pace_s = ["", "Hello", " there."], 0.1
    forbidden = {"code": 50013, "message": "Missing Permissions"}
    discord.breaks(Fault("POST", "/channels/*/typing", status=403, body=forbidden))
    asked = discord.asks(discord.person("Ada"), "hi")
    assert await settled(discord, asked) == [HELLO]


# -- permissions and deletions --------------------------------------------------------------


async def test_who_asks_where_the_bot_may_not_write_is_told_privately(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    discord.forbids(discord.general, Permission.SEND_MESSAGES)
    discord.asks(ada, "hi")
    direct = discord.direct(ada)
    assert await discord.world.until(lambda: bool(discord.seen(direct)), 5)
    assert "I may not write there" in discord.seen(direct)[0].content
    assert "#general" in discord.seen(direct)[0].content


async def test_who_takes_no_direct_messages_leaves_only_a_log_line(
    discord: FakeDiscord, bot: RunningBot, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ada = discord.person("Ada")
    ada.closed_to_messages = True
    discord.forbids(discord.general, Permission.SEND_MESSAGES)
    discord.asks(ada, "hi")
    assert await discord.world.until(lambda: "could not tell" in caplog.text, 5)


async def test_a_permission_lost_in_the_middle_of_an_answer_is_told_privately(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    model.words, model.pace_s = [f" {number}" for number in range(20)], 0.1
    discord.asks(ada, "count")
    assert await discord.world.until(lambda: bool(discord.seen()), 5)
    discord.forbids(discord.general, Permission.VIEW_CHANNEL)
    direct = discord.direct(ada)
    assert await discord.world.until(lambda: bool(discord.seen(direct)), 8)
    assert "I may not write there" in discord.seen(direct)[0].content


async def test_without_the_right_to_see_history_the_answer_is_a_plain_message(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    discord.forbids(discord.general, Permission.READ_MESSAGE_HISTORY)
    discord.asks(discord.person("Ada"), "hi")
    answer = await discord.until_says(HELLO)
    assert answer.reply_to is None


async def test_a_question_deleted_before_the_answer_gets_a_plain_one(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    script = Script(drafts=["", ""], pause_s=0.2)
    async with bot_on(discord, settings, speaking(app, script)):
        asked = discord.asks(discord.person("Ada"), "hi")
        assert await discord.world.until(lambda: bool(discord.messages.typings), 5)
        discord.deletes(asked)
        answer = await discord.until_says(script.ending)
    assert answer.reply_to is None


async def test_an_answer_that_somebody_deletes_stays_deleted(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    model.words, model.pace_s = [f" {number}" for number in range(20)], 0.1
    discord.asks(ada, "count")
    assert await discord.world.until(lambda: bool(discord.seen()), 5)
    discord.deletes(discord.seen()[0])
    # The next question is answered when the first answer has ended, one way or the other.
    model.pace_s = 0
    model.words = [HELLO]
    discord.asks(ada, "fine, stop")
    await discord.until_says(HELLO)
    assert [one.content for one in discord.seen()] == [HELLO]
    assert discord.seen(discord.direct(ada)) == []


async def test_a_channel_deleted_in_the_middle_of_an_answer_harms_no_other(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot, caplog: pytest.LogCaptureFixture
) -> None:
    ada = discord.person("Ada")
    doomed = discord.channel("doomed")
    model.words, model.pace_s = ["Hello", " there", "."], 0.3
    discord.asks(ada, "hi", doomed)
    assert await discord.world.until(lambda: bool(discord.seen(doomed)), 5)
    discord.deletes_channel(doomed)
    discord.asks(ada, "hi")
    await discord.until_says(HELLO)
    assert "Traceback" not in caplog.text
