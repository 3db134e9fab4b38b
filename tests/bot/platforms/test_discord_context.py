"""The persona sees what people see: the channel's last lines, threads, and reply chains."""

from __future__ import annotations

import logging

import pytest

from bot.settings import Settings
from bot.wiring import App
from tests.bot.platforms.stage import RunningBot, bot_on
from tests.bot.platforms.stage_context import HELLO, HISTORY, asked, once_heard, told
from tests.bot.platforms.stage_memory import until_remembered, until_settled
from tests.fakes.discord import FakeDiscord, Fault, Permission
from tests.fakes.model import ModelServer

# -- the channel ----------------------------------------------------------------------------


async def test_what_was_said_between_questions_is_in_the_prompt_in_its_order(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada, bee = discord.person("Ada"), discord.person("Bee")
    robot = discord.person("Robot", bot=True)
    discord.asks(ada, "one")
    await until_settled(app, discord)
    discord.says(bee, "what a day")
    discord.says(robot, "21 degrees")
    discord.says(bee, f"tell me, {ada.mention}!")
    assert await asked(discord, model, ada, "two") == [
        "Ada: one", HELLO, "Bee: what a day", "robot: 21 degrees", "Bee: tell me, @Ada!", "Ada: two"
    ]  # fmt: skip
    everything = await app.people.export(f"discord:{bee.id}")
    assert everything["messages"] == []


async def test_lines_are_edited_and_deleted_as_people_see_it(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada, bee = discord.person("Ada"), discord.person("Bee")
    await once_heard(discord, app)
    first, second = discord.says(bee, "firts"), discord.says(bee, "secret")
    discord.edits(first, "first")
    discord.deletes(second)
    assert await asked(discord, model, ada, "hi") == ["Bee: first", "Ada: hi"]


async def test_nothing_is_kept_of_a_channel_that_is_off(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada, owner = discord.person("Ada"), discord.world.owner
    await once_heard(discord, app)
    discord.says(ada, "before")
    await discord.uses(owner, "admin channels", mode="off").answer()
    discord.says(ada, "while it was off")
    await discord.uses(owner, "admin channels", mode="mention").answer()
    discord.breaks(Fault("GET", HISTORY, status=403, times=9))
    assert await asked(discord, model, ada, "and now?") == ["Ada: and now?"]


async def test_a_reset_and_being_forgotten_hold_for_what_was_heard(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada, bee = discord.person("Ada"), discord.person("Bee")
    discord.says(bee, "from long ago")
    await discord.uses(ada, "chat reset").answer()
    discord.says(bee, "my secret")
    discord.says(ada, "no secret")
    await discord.uses(bee, "memory forget").answer()
    discord.says(bee, "new day")
    assert await asked(discord, model, ada, "hi") == ["Ada: no secret", "Bee: new day", "Ada: hi"]


# -- after a start --------------------------------------------------------------------------


async def test_after_a_start_the_channels_history_is_asked_for_once(
    discord: FakeDiscord, model: ModelServer, settings: Settings, app: App
) -> None:
    ada, bee = discord.person("Ada"), discord.person("Bee")
    for number in range(40):
        discord.says(bee, f"line {number}")
    discord.says(ada, "unheard", elsewhere := discord.channel("elsewhere"))
    off = settings.model_copy(update={"catch_up_minutes": 0})
    async with bot_on(discord, off, app):
        lines = await asked(discord, model, ada, "hi")
        assert lines[-2:] == ["Bee: line 39", "Ada: hi"]
        await until_settled(app, discord)
        discord.says(bee, "line 40")
        assert (await asked(discord, model, ada, "again"))[-2:] == ["Bee: line 40", "Ada: again"]
    assert len(discord.requests("GET", f"/channels/{discord.general.id}/messages")) == 1
    assert discord.requests("GET", f"/channels/{elsewhere.id}/messages") == []


async def test_a_reset_holds_after_a_restart_too(
    discord: FakeDiscord, model: ModelServer, settings: Settings, app: App
) -> None:
    ada, bee, cat = (discord.person(name) for name in ("Ada", "Bee", "Cat"))
    async with bot_on(discord, settings, app):
        discord.says(ada, "from long ago")
        await discord.uses(ada, "chat reset").answer()
        discord.says(bee, "my secret")
        discord.says(cat, "meow")
        await discord.uses(bee, "memory forget").answer()
    assert await discord.world.until(lambda: not discord.gateway.online, 5)
    async with bot_on(discord, settings, app):
        assert await asked(discord, model, ada, "hi") == ["Cat: meow", "Ada: hi"]


async def test_a_slow_history_does_not_hold_up_the_answer_and_is_there_for_the_next_one(
    discord: FakeDiscord, model: ModelServer, settings: Settings, app: App
) -> None:
    ada = discord.person("Ada")
    discord.says(discord.person("Bee"), "earlier")
    slow = discord.breaks(Fault("GET", HISTORY, "slow", delay_s=4))
    async with bot_on(discord, settings, app):
        assert await asked(discord, model, ada, "hi") == ["Ada: hi"]
        await until_settled(app, discord)
        assert slow.seen == 1
        assert await discord.world.until(lambda: bool(discord.requests("GET", "/messages")), 8)
        lines = await asked(discord, model, ada, "again")
        assert lines == ["Bee: earlier", "Ada: hi", HELLO, "Ada: again"]


@pytest.mark.parametrize("status", [500, 403, 404])
async def test_a_history_that_fails_costs_no_answer(
    discord: FakeDiscord,
    model: ModelServer,
    settings: Settings,
    app: App,
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ada = discord.person("Ada")
    discord.says(discord.person("Bee"), "earlier")
    discord.breaks(Fault("GET", HISTORY, status=status, times=99))
    async with bot_on(discord, settings, app):
        assert await asked(discord, model, ada, "hi") == ["Ada: hi"]
        await discord.until_says(HELLO)
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]


async def test_without_the_permission_to_read_history_only_what_was_heard_is_known(
    discord: FakeDiscord, model: ModelServer, settings: Settings, app: App
) -> None:
    ada, bee = discord.person("Ada"), discord.person("Bee")
    discord.forbids(discord.general, Permission.READ_MESSAGE_HISTORY, discord.bot)
    discord.says(bee, "earlier")
    async with bot_on(discord, settings, app):
        assert await asked(discord, model, ada, "hi") == ["Ada: hi"]
        await until_settled(app, discord)
        discord.says(bee, "later")
        assert await asked(discord, model, ada, "and?") == [
            "Ada: hi", HELLO, "Bee: later", "Ada: and?"
        ]  # fmt: skip


# -- deleted while it waits -----------------------------------------------------------------


async def test_a_message_deleted_while_it_waits_is_not_answered(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    model.pace_s = 1.0
    ada, bee = discord.person("Ada"), discord.person("Bee")
    discord.asks(ada, "first")
    assert await discord.world.until(lambda: len(model.questions) == 1, 5)
    oops = discord.asks(bee, "oops")
    await until_remembered(app, bee, ["oops"])  # it waits for its turn
    discord.deletes(oops)
    await until_remembered(app, bee, [])
    model.pace_s = 0
    last = discord.asks(ada, "last")
    assert await discord.world.until(lambda: len(discord.seen()) == 2, 8)
    await discord.final_answer(last)
    assert [one.reply_to for one in discord.seen()] == [discord.world.messages[0].id, last.id]
    assert "Bee: oops" not in told(model)
