"""Again under an answer, and the way back to the answers before."""

from __future__ import annotations

import pytest
from discord import Permissions

from bot.settings import Settings
from bot.wiring import App, wire
from tests.bot.platforms.pressed import (
    AT_IT,
    GONE,
    HELLO,
    NOT_YOURS,
    STOPPED,
    answered,
    names,
    restarted,
    speaks_at_length,
    told,
    until_has,
    until_says,
)
from tests.bot.platforms.stage import RunningBot, bot_on, lets
from tests.fakes.discord import FakeDiscord
from tests.fakes.model import Fault, ModelServer


async def test_again_answers_in_the_same_message_and_keeps_the_old_answer_a_click_away(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    answer = await answered(discord, app, ada, "tea?")
    model.words = ["Coffee", " then."]
    await discord.presses(ada, answer, "Again").taken()
    await until_says(discord, answer, "Coffee then.")
    await until_has(discord, answer, "Again", "‹", "(2/2)", "(›)")
    discord.presses(ada, answer, "‹")
    await until_says(discord, answer, HELLO)
    await until_has(discord, answer, "Again", "(‹)", "(1/2)", "›")
    await answered(discord, app, ada, "why?")
    assert [one["content"] for one in model.questions[-1]["messages"][1:3]] == ["Ada: tea?", HELLO]
    discord.presses(ada, answer, "›")
    await until_says(discord, answer, "Coffee then.")
    assert len(discord.seen()) == 2


async def test_the_buttons_work_after_a_restart(
    discord: FakeDiscord, settings: Settings, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    answer = await answered(discord, app, ada)
    async with restarted(discord, settings, bot):
        model.words = ["Anew."]
        discord.presses(ada, answer, "Again")
        await until_has(discord, answer, "Again", "‹", "(2/2)", "(›)")
        discord.presses(ada, answer, "‹")
        await until_says(discord, answer, HELLO)


async def test_a_new_answer_grows_and_can_be_stopped_by_who_asked_for_it(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada, mod = discord.person("Ada"), discord.person("Mod")
    lets(discord, mod, Permissions(manage_messages=True))
    answer = await answered(discord, app, ada)
    speaks_at_length(model)
    discord.presses(mod, answer, "Again")
    await until_has(discord, answer, "Stop")
    discord.presses(ada, answer, "Stop")
    await until_has(discord, answer, "Again", "‹", "(2/2)", "(›)")
    assert answer.content.endswith(STOPPED)


async def test_strangers_neither_ask_again_nor_turn_pages(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada, bob = discord.person("Ada"), discord.person("Bob")
    answer = await answered(discord, app, ada)
    discord.presses(ada, answer, "Again")
    await until_has(discord, answer, "Again", "‹", "(2/2)", "(›)")
    for button in ("Again", "‹"):
        assert await told(discord, discord.presses(bob, answer, button)) == NOT_YOURS
    assert len(model.questions) == 2


async def test_two_who_press_again_at_once_get_one_new_answer(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada, mod = discord.person("Ada"), discord.person("Mod")
    lets(discord, mod, Permissions(manage_messages=True))
    answer = await answered(discord, app, ada)
    model.pace_s = 0.2
    pressed = [discord.presses(one, answer, "Again") for one in (ada, mod, ada)]
    await until_has(discord, answer, "Again", "‹", "(2/2)", "(›)")
    assert len(model.questions) == 2
    assert await discord.world.until(lambda: sum(len(p.followups) for p in pressed) == 2, 5)
    assert {one.content for p in pressed for one in p.followups} == {AT_IT}


async def test_again_while_another_answer_runs_waits_for_its_turn(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada, bob = discord.person("Ada"), discord.person("Bob")
    answer = await answered(discord, app, ada)
    model.pace_s = 0.2
    asked = discord.asks(bob, "and me?")
    assert await discord.world.until(lambda: model.speaking == 1, 5)
    discord.presses(ada, answer, "Again")
    await until_has(discord, answer, "Again", "‹", "(2/2)", "(›)")
    assert model.most_speaking == 1
    assert [one.content for one in discord.answers(asked)] == [HELLO]


@pytest.mark.parametrize("gone", ["question", "reset", "person"])
async def test_what_is_not_remembered_is_said_so_and_its_buttons_go(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot, gone: str
) -> None:
    ada = discord.person("Ada")
    answer = await answered(discord, app, ada)
    where = f"discord:{answer.channel.id}"
    match gone:
        case "question":
            assert answer.reply_to is not None
            await app.memory.delete(where, [answer.reply_to])
        case "reset":
            await discord.uses(ada, "chat reset").answer()
        case "person":
            await discord.uses(ada, "memory forget").answer()
    assert await told(discord, discord.presses(ada, answer, "Again")) == GONE
    await until_has(discord, answer)
    assert answer.content == HELLO
    assert len(model.questions) == 1


async def test_over_the_limit_the_answer_stays_and_only_who_pressed_is_told(
    discord: FakeDiscord, model: ModelServer, settings: Settings
) -> None:
    limited = settings.model_copy(update={"limit_messages_per_minute": 1})
    ada = discord.person("Ada")
    async with wire(limited) as app, bot_on(discord, limited, app):
        answer = await answered(discord, app, ada)
        assert "again in" in await told(discord, discord.presses(ada, answer, "Again"))
        assert (answer.content, names(answer)) == (HELLO, ["Again"])


async def test_again_with_the_model_down_brings_the_answer_back_and_says_why(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    answer = await answered(discord, app, ada)
    model.faults += [Fault(status=500)] * 4
    pressed = discord.presses(ada, answer, "Again")
    assert await told(discord, pressed) == "The model stumbled over that. Ask me again in a moment."
    await until_has(discord, answer, "Again")
    assert answer.content == HELLO


async def test_a_long_answer_and_a_short_one_take_turns_in_the_same_messages(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    model.words = ["x" * 1500, " ", "y" * 1500]
    asked = discord.asks(ada, "tell me a lot")
    first, second = await discord.final_answer(asked)
    model.words = ["Short."]
    discord.presses(ada, second, "Again")
    await until_says(discord, first, "Short.")
    await until_has(discord, first, "Again", "‹", "(2/2)", "(›)")
    assert second.deleted
    discord.presses(ada, first, "‹")
    await until_says(discord, first, "x" * 1500)
    assert await discord.world.until(lambda: len(discord.answers(asked)) == 2, 5)
    last = discord.answers(asked)[-1]
    await until_has(discord, last, "Again", "(‹)", "(1/2)", "›")
    assert names(first) == []
    discord.presses(ada, last, "›")
    await until_says(discord, first, "Short.")
    await until_has(discord, first, "Again", "‹", "(2/2)", "(›)")
