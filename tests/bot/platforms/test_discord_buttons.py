"""What hangs under an answer, what it costs, and what strangers may send."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.errors import UnderstudyError
from bot.settings import Settings
from bot.store import Ask
from bot.wiring import App, store, wire
from tests.bot.platforms.pressed import HELLO, answered, names, speaks_at_length, told, until_has
from tests.bot.platforms.stage import RunningBot, bot_on
from tests.bot.platforms.stage_memory import tapped
from tests.fakes.discord import FakeDiscord, Fault, Message
from tests.fakes.model import ModelServer
from tests.fakes.wire_tap import WireTap


async def test_a_growing_answer_can_be_stopped_and_a_finished_one_said_again(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.pace_s = 0.3
    asked = discord.asks(discord.person("Ada"), "hi")
    assert await discord.world.until(lambda: bool(discord.answers(asked)), 5)
    (answer,) = discord.answers(asked)
    assert names(answer) == ["Stop"]
    await until_has(discord, answer, "Again")
    assert answer.content == HELLO


async def test_an_answer_that_comes_at_once_is_sent_with_its_buttons_and_never_edited(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.words = [HELLO]
    asked = discord.asks(discord.person("Ada"), "hi")
    (answer,) = await discord.final_answer(asked)
    assert names(answer) == ["Again"]
    edits = [one for one in discord.sent if one.method == "PATCH"]
    assert len(edits) <= 1, "the last draft was shown already, or nothing"


async def test_only_the_last_part_of_an_answer_has_buttons(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.words, model.pace_s = ["x" * 900 + " "] * 5, 0.1
    asked = discord.asks(discord.person("Ada"), "hi")
    parts = await discord.final_answer(asked)
    assert len(parts) > 2
    assert [names(part) for part in parts] == [[]] * (len(parts) - 1) + [["Again"]]


async def test_a_notice_has_no_buttons(
    discord: FakeDiscord, redis_home: Path, model: ModelServer, settings: Settings
) -> None:
    limited = settings.model_copy(update={"limit_messages_per_minute": 1})
    ada = discord.person("Ada")
    async with wire(limited) as app, bot_on(discord, limited, app):
        await answered(discord, app, ada)
        asked = discord.asks(ada, "again")
        assert await discord.world.until(lambda: bool(discord.answers(asked)), 5)
        (notice,) = discord.answers(asked)
        assert "at once" in notice.content
        assert names(notice) == []


async def test_buttons_cost_a_turn_no_round_trip_to_redis(
    discord: FakeDiscord, redis_home: Path, settings: Settings, model: ModelServer
) -> None:
    ada = discord.person("Ada")
    async with tapped(discord, settings, redis_home) as (tap, app):
        app.places._fresh_s = 3600  # its own looks, every 10 s, are not counted here
        await discord.uses(discord.world.owner, "admin feedback", on=True).answer()
        model.words = ["One."]
        discord.asks(ada, "one")
        await discord.until_says("One.")
        await until_quiet(tap)
        before, model.words = tap.round_trips, ["Two."]
        discord.asks(ada, "two")
        answer = await discord.until_says("Two.")
        await until_has(discord, answer, "Again", "👍", "👎")
        await until_quiet(tap)
        assert tap.round_trips - before == 2


async def until_quiet(tap: WireTap) -> None:
    seen = -1
    while seen != tap.round_trips:
        seen = tap.round_trips
        await asyncio.sleep(0.3)


async def test_a_press_while_the_bot_ends_leaves_the_answer_as_it_is(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada, elsewhere = discord.person("Ada"), discord.channel("elsewhere")
    answer = await answered(discord, app, ada)
    speaks_at_length(model)
    discord.asks(ada, "a lot, please", elsewhere)
    assert await discord.world.until(lambda: bool(discord.seen(elsewhere)), 5)
    ending = asyncio.create_task(bot.stop())
    while not bot.stopping.is_set():
        await asyncio.sleep(0)
    await asyncio.sleep(0.1)
    pressed = discord.presses(ada, answer, "Again")
    assert "switched off" in await told(discord, pressed)
    await ending
    assert (answer.content, names(answer)) == (HELLO, ["Again"])


@pytest.mark.parametrize("custom_id", ["answer:again:99", "answer:shout", "answer:", "again"])
async def test_a_custom_id_that_nobody_made_does_nothing(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot, custom_id: str
) -> None:
    ada = discord.person("Ada")
    answer = await answered(discord, app, ada)
    forged = {"component_type": 2, "custom_id": custom_id, "id": 2}
    pressed = discord._interact(3, ada, answer.channel, forged, answer)
    with pytest.raises(AssertionError, match="failed"):
        await pressed.taken(within_s=0.5)
    assert len(model.questions) == 1


async def test_buttons_of_another_kind_of_answer_cant_be_pressed_on_this_one(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    """The client of a stranger may send any custom id, but only what hangs there counts."""
    ada = discord.person("Ada")
    answer = await answered(discord, app, ada)
    for act in ("retry", "up", "forth"):
        forged = {"component_type": 2, "custom_id": f"answer:{act}", "id": 2}
        pressed = discord._interact(3, ada, answer.channel, forged, answer)
        with pytest.raises(AssertionError, match="failed"):
            await pressed.taken(within_s=0.3)
    assert len(model.questions) == 1


async def turns_to_rubbish(settings: Settings, answer: Message) -> None:
    """All that memory has of its conversation."""
    script = """
for _, id in ipairs(redis.call('HKEYS', KEYS[1])) do redis.call('HSET', KEYS[1], id, 'rubbish') end
return 1
"""
    turns = f"understudy:conversation:{{discord:{answer.channel.id}}}:turns"
    async with store(settings) as kept:
        await kept.ask(Ask(script, (turns,), (), int))


async def test_a_press_that_fails_by_our_own_mistake_is_told_so(
    discord: FakeDiscord, settings: Settings, app: App, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    answer = await answered(discord, app, ada)
    await turns_to_rubbish(settings, answer)
    assert await told(discord, discord.presses(ada, answer, "Again")) == UnderstudyError.spoken


async def test_where_discord_does_not_take_that_either_the_log_has_it_once(
    discord: FakeDiscord,
    settings: Settings,
    app: App,
    bot: RunningBot,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ada = discord.person("Ada")
    answer = await answered(discord, app, ada)
    await turns_to_rubbish(settings, answer)
    refused = Fault("POST", "/webhooks/*", status=403, body={"code": 50001})
    discord.breaks(refused)
    discord.presses(ada, answer, "Again")
    assert await discord.world.until(lambda: refused.seen == 1, 5)
    await bot.stop()
    failures = [one for one in caplog.records if one.levelname == "ERROR"]
    assert [one.getMessage() for one in failures] == ["a press failed"]
