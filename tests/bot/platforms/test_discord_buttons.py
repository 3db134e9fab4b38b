"""Stop, Again and Retry under an answer, whoever presses them and whenever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from discord import Permissions
from pydantic import SecretStr

from bot.settings import Settings
from bot.wiring import App, wire
from tests.bot.platforms.stage import RunningBot, bot_on, lets
from tests.fakes.discord import Channel, FakeDiscord, Interaction, Message, User
from tests.fakes.discord.components import interactive
from tests.fakes.model import Fault, ModelServer
from tests.fakes.wire_tap import WireTap, wire_tap

HELLO = "Hello there."
STOPPED = "(Stopped.)"
NOT_YOURS = "Only the person I answered can do that, and people who may manage messages here."
GONE = "I don't remember that any more, so I can't go back to it. Ask me anew."
AT_IT = "I am at it already. One moment, please."


def names(message: Message) -> list[str]:
    """What hangs under a message, "(…)" where it can't be pressed."""
    found = []
    for part in interactive(message.components):
        name = part.get("label") or part["emoji"]["name"]
        found.append(f"({name})" if part.get("disabled") else name)
    return found


async def until_has(discord: FakeDiscord, message: Message, *buttons: str) -> None:
    if not await discord.world.until(lambda: names(message) == list(buttons), 8):
        raise AssertionError(f"It has {names(message)}, and says {message.content!r}")


async def until_says(discord: FakeDiscord, message: Message, text: str) -> None:
    if not await discord.world.until(lambda: message.content == text, 8):
        raise AssertionError(f"It says {message.content!r}")


async def told(discord: FakeDiscord, pressed: Interaction) -> str:
    """What only who pressed reads of it."""

    def said() -> list[Message]:
        own = [] if pressed.updates or pressed.original is None else [pressed.original]
        return [one for one in own + pressed.followups if one.only_for is pressed.user]

    assert await discord.world.until(lambda: bool(said()), 5), "nothing was said"
    (one,) = said()
    return one.content


async def answered(
    discord: FakeDiscord, app: App, person: User, text: str = "hi", where: Channel | None = None
) -> Message:
    """An answer that is shown and remembered, too."""
    asked = discord.asks(person, text, where)
    assert await discord.world.until(
        lambda: any("Again" in names(one) for one in discord.answers(asked)), 8
    )
    answer = discord.answers(asked)[-1]
    async with asyncio.timeout(5):
        while await app.memory.turn(f"discord:{answer.channel.id}", answer.id) is None:
            await asyncio.sleep(0.01)
    return answer


@asynccontextmanager
async def restarted(
    discord: FakeDiscord, settings: Settings, bot: RunningBot
) -> AsyncIterator[App]:
    """The bot ended, and another process in its place."""
    await bot.stop()
    assert await discord.world.until(lambda: not discord.gateway.online, 5)
    async with wire(settings) as app, bot_on(discord, settings, app):
        yield app


def speaks_at_length(model: ModelServer) -> None:
    model.words, model.pace_s = [f"word{n} " for n in range(200)], 0.05


# -- what hangs there -----------------------------------------------------------------------


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


# -- Stop -----------------------------------------------------------------------------------


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


# -- Again ----------------------------------------------------------------------------------


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


# -- Retry ----------------------------------------------------------------------------------


async def failed(discord: FakeDiscord, model: ModelServer, person: User) -> Message:
    model.faults += [Fault(status=500)] * 4
    asked = discord.asks(person, "hi")
    (answer,) = await discord.final_answer(asked)
    assert names(answer) == ["Retry"]
    model.faults.clear()
    return answer


async def test_a_failure_has_a_retry_that_answers_in_the_same_message(
    discord: FakeDiscord, settings: Settings, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada, bob = discord.person("Ada"), discord.person("Bob")
    answer = await failed(discord, model, ada)
    assert answer.content == "The model stumbled over that. Ask me again in a moment."
    assert await told(discord, discord.presses(bob, answer, "Retry")) == NOT_YOURS
    async with restarted(discord, settings, bot):
        asked = len(model.questions)
        for _ in range(2):
            discord.presses(ada, answer, "Retry")
        await until_says(discord, answer, HELLO)
        await until_has(discord, answer, "Again")
        assert len(model.questions) == asked + 1
    assert len(discord.seen()) == 1


async def test_a_retry_that_fails_as_well_can_be_tried_again(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    answer = await failed(discord, model, ada)
    model.faults += [Fault(status=400)]
    discord.presses(ada, answer, "Retry")
    await until_has(discord, answer)  # the model would not take it: trying again can't help
    assert "Say it shorter" in answer.content


async def test_a_retry_after_a_broken_stream_keeps_what_was_said_a_click_away(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    model.faults.append(Fault(after_words=2, cut=True))
    asked = discord.asks(ada, "hi")
    (answer,) = await discord.final_answer(asked)
    assert names(answer) == ["Retry"]
    discord.presses(ada, answer, "Retry")
    await until_says(discord, answer, HELLO)
    await until_has(discord, answer, "Again", "‹", "(2/2)", "(›)")
    discord.presses(ada, answer, "‹")
    await until_says(discord, answer, "Hello there")


async def test_a_wrong_key_is_nothing_to_retry(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    await discord.final_answer(discord.asks(ada, "hi"))
    model.faults.append(Fault(status=401))
    (answer,) = await discord.final_answer(discord.asks(ada, "hi"))
    assert "refuses my key" in answer.content
    assert names(answer) == []


async def test_what_memory_never_knew_is_taken_from_discord(
    discord: FakeDiscord, tmp_path: Path, settings: Settings, model: ModelServer, app: App
) -> None:
    ada, bob = discord.person("Ada"), discord.person("Bob")
    gone = settings.model_copy(
        update={"redis_url": SecretStr(f"unix://{tmp_path}/nothing"), "understudy_home": tmp_path}
    )
    async with wire(gone) as away, bot_on(discord, gone, away):
        (answer,) = await discord.final_answer(discord.asks(ada, "hi"))
        assert "can't reach my memory" in answer.content
        assert names(answer) == ["Retry"]
        pressed = discord.presses(ada, answer, "Retry")
        assert "can't reach my memory" in await told(discord, pressed)
    assert await discord.world.until(lambda: not discord.gateway.online, 5)
    async with bot_on(discord, settings, app):
        assert await told(discord, discord.presses(bob, answer, "Retry")) == NOT_YOURS
        model.pace_s = 0.1
        twice = [discord.presses(ada, answer, "Retry") for _ in range(2)]
        await until_says(discord, answer, HELLO)
        await until_has(discord, answer, "Again")
        assert len(model.questions) == 1
        assert await discord.world.until(lambda: sum(len(p.followups) for p in twice) == 1, 5)
        async with asyncio.timeout(5):
            while await app.memory.turn(f"discord:{answer.channel.id}", answer.id) is None:
                await asyncio.sleep(0.01)
    assert len(discord.seen()) == 1


async def test_a_question_that_is_deleted_cant_be_retried(
    discord: FakeDiscord, app: App, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    answer = await failed(discord, model, ada)
    question = next(one for one in discord.world.messages if one.id == answer.reply_to)
    discord.deletes(question)
    async with asyncio.timeout(5):
        while (await app.people.show(f"discord:{ada.id}")).messages:
            await asyncio.sleep(0.01)
    assert await told(discord, discord.presses(ada, answer, "Retry")) == GONE
    await until_has(discord, answer)


# -- what it costs, and the end --------------------------------------------------------------


async def test_buttons_cost_a_turn_no_round_trip_to_redis(
    discord: FakeDiscord, redis_home: Path, settings: Settings, model: ModelServer
) -> None:
    ada = discord.person("Ada")
    async with wire_tap(redis_home / "run" / "redis.sock") as tap:
        settings = settings.model_copy(update={"redis_url": SecretStr(tap.url)})
        async with wire(settings) as app, bot_on(discord, settings, app):
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


# -- what strangers may send ----------------------------------------------------------------


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
