"""What was said while the bot was away is answered once, when it is back."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from bot.memory import Claim
from bot.messages import Incoming
from bot.platforms.discord import catching_up
from bot.platforms.discord.faces import WEBHOOK_NAME
from bot.settings import Settings
from bot.store import Ask
from bot.wiring import App, wire
from tests.bot.platforms.stage import RunningBot, bot_on
from tests.bot.platforms.stage_faces import said, until_said
from tests.fakes.discord import Channel, FakeDiscord, Fault, Message, Permission, User
from tests.fakes.discord.webhook_messages import WebhookMessages
from tests.fakes.model import ModelServer

HELLO = "Hello there."


@pytest.fixture
def ada(discord: FakeDiscord) -> User:
    return discord.person("Ada")


@asynccontextmanager
async def all_caught_up(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """At the end of the block the look through all places is over."""
    caplog.set_level(logging.INFO, "bot.platforms.discord.catching_up")
    yield
    async with asyncio.timeout(30):
        while "caught up:" not in caplog.text:
            await asyncio.sleep(0.05)


def answered_once(discord: FakeDiscord, asked: Message) -> bool:
    replies = [one for one in discord.seen(asked.channel) if one.reply_to == asked.id]
    return [one.content for one in replies] == [HELLO]


async def until_answered(discord: FakeDiscord, *asked: Message) -> None:
    assert await discord.world.until(lambda: all(answered_once(discord, one) for one in asked), 20)


async def test_what_was_asked_before_the_bot_started_is_answered(
    discord: FakeDiscord, settings: Settings, app: App, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    mentioned = discord.asks(ada, "are you up?")
    discord.says(ada, "nobody here, it seems")
    async with bot_on(discord, settings, app), all_caught_up(caplog):
        await until_answered(discord, mentioned)
    assert len(discord.seen()) == 1
    assert "caught up: 1 messages were missed" in caplog.text


async def test_what_was_asked_while_a_session_was_lost_is_answered(
    discord: FakeDiscord, bot: RunningBot, ada: User
) -> None:
    discord.gateway.invalidate(resumable=False)
    asked = discord.asks(ada, "did you miss me?")
    assert len(discord.gateway.identified) == 1
    await until_answered(discord, asked)
    assert len(discord.gateway.identified) == 2


def looked_at(discord: FakeDiscord) -> set[str]:
    """The channels whose history was asked for; not the direct ones of other tests' people."""
    asked_for = {one.path.split("/")[2] for one in discord.requests("GET", "/messages")}
    return asked_for & discord.world.channels.keys()


async def test_a_direct_message_is_caught_up_where_the_bot_knows_the_person(
    discord: FakeDiscord, settings: Settings, app: App, ada: User
) -> None:
    here = discord.direct(ada)
    async with bot_on(discord, settings, app):
        known = discord.says(ada, "hi", here)
        await until_says_in(discord, here, 1)
    missed = discord.says(ada, "still there?", here)
    async with bot_on(discord, settings, app):
        await until_says_in(discord, here, 2)
    assert [one.reply_to for one in discord.seen(here)] == [known.id, missed.id]


async def until_says_in(discord: FakeDiscord, channel: Channel, times: int) -> None:
    def said() -> list[str]:
        return [one.content for one in discord.seen(channel)]

    assert await discord.world.until(lambda: said() == [HELLO] * times, 20), said()


async def test_threads_and_replies_and_channels_set_to_always_are_caught_up(
    discord: FakeDiscord, settings: Settings, app: App, ada: User
) -> None:
    thread = discord.starts_thread(ada, "Talk")
    lively = discord.channel("lively")
    await app.places.change(f"discord:channel:{lively.id}", mode="always")
    async with bot_on(discord, settings, app):
        first = discord.asks(ada, "hi")
        await until_answered(discord, first)
    missed = [
        discord.says(ada, "and you?", reply_to=discord.seen()[0]),
        discord.asks(ada, "and here?", thread),
        discord.says(ada, "and without a mention?", lively),
    ]
    async with bot_on(discord, settings, app):
        await until_answered(discord, first, *missed)


async def test_what_was_answered_is_not_answered_again(
    discord: FakeDiscord,
    settings: Settings,
    app: App,
    model: ModelServer,
    ada: User,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with bot_on(discord, settings, app):
        before = discord.asks(ada, "hi")
        await until_answered(discord, before)
    missed = discord.asks(ada, "and again")
    async with bot_on(discord, settings, app), all_caught_up(caplog):
        await until_answered(discord, missed)
    assert answered_once(discord, before)
    assert len(model.questions) == 2


async def test_an_answer_that_memory_has_lost_is_known_by_its_reply(
    discord: FakeDiscord,
    settings: Settings,
    app: App,
    model: ModelServer,
    ada: User,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with bot_on(discord, settings, app):
        before = discord.asks(ada, "hi")
        await until_answered(discord, before)
    await forgets_everything(app, discord.general)
    missed = discord.asks(ada, "and again")
    async with bot_on(discord, settings, app), all_caught_up(caplog):
        await until_answered(discord, missed)
    assert answered_once(discord, before)
    assert len(model.questions) == 2


async def forgets_everything(app: App, channel: Channel) -> None:
    """As if Redis had begun anew."""
    key = f"understudy:conversation:{{discord:{channel.id}}}:answered"
    ask: Ask[int] = Ask("return redis.call('DEL', KEYS[1])", (key,), (), int)
    assert await app.people._store.ask(ask) == 1


async def test_what_is_older_than_the_setting_stays_unanswered(
    discord: FakeDiscord, settings: Settings, app: App, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    old = discord.asks(discord.person("Bee"), "too old")
    minutes_ms = int((settings.catch_up_minutes + 1) * 60_000)
    old.id = str(int(old.id) - (minutes_ms << 22))  # an id is a time
    missed = discord.asks(ada, "new")
    async with bot_on(discord, settings, app), all_caught_up(caplog):
        await until_answered(discord, missed)
    assert [one.reply_to for one in discord.seen()] == [missed.id]


async def test_nothing_is_looked_at_with_the_setting_at_zero(
    discord: FakeDiscord, settings: Settings, app: App, ada: User
) -> None:
    discord.asks(ada, "missed")
    off = settings.model_copy(update={"catch_up_minutes": 0})
    async with bot_on(discord, off, app):
        live = discord.asks(ada, "live", discord.channel("elsewhere"))
        await until_answered(discord, live)
        await asyncio.sleep(1)
    assert looked_at(discord) == {str(live.channel.id)}  # around the question
    assert discord.seen() == []


async def test_two_processes_that_come_back_together_answer_once(
    discord: FakeDiscord, settings: Settings, app: App, model: ModelServer, ada: User
) -> None:
    rooms = [discord.channel(f"room-{number}") for number in range(4)]
    missed = [discord.asks(ada, "hi", room) for room in rooms]
    async with wire(settings) as other, AsyncExitStack() as running:
        for one in (app, other):
            await running.enter_async_context(bot_on(discord, settings, one))
        assert await discord.world.until(lambda: len(discord.gateway.identified) == 2, 10)
        await until_answered(discord, *missed)
        live = [discord.asks(ada, "and now", room) for room in rooms]
        await until_answered(discord, *missed, *live)
    assert len(model.questions) == 8


async def test_where_the_bot_may_not_read_what_was_said_nothing_is_asked_for(
    discord: FakeDiscord, settings: Settings, app: App, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    closed = discord.channel("closed")
    discord.forbids(closed, Permission.READ_MESSAGE_HISTORY)
    discord.asks(ada, "hi", closed)
    missed = discord.asks(ada, "hi")
    async with bot_on(discord, settings, app), all_caught_up(caplog):
        await until_answered(discord, missed)
    assert looked_at(discord) == {discord.general.id}


async def test_quiet_channels_cost_no_request(
    discord: FakeDiscord, settings: Settings, app: App, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(5):
        discord.channel(f"quiet-{number}")
    missed = discord.asks(ada, "hi")
    async with bot_on(discord, settings, app), all_caught_up(caplog):
        await until_answered(discord, missed)
    assert looked_at(discord) == {discord.general.id}


async def test_a_message_deleted_meanwhile_is_nothing(
    discord: FakeDiscord, settings: Settings, app: App, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    gone = discord.asks(ada, "never mind")
    missed = discord.asks(ada, "hi")
    discord.deletes(gone)
    async with bot_on(discord, settings, app), all_caught_up(caplog):
        await until_answered(discord, missed)
    assert len(discord.seen()) == 1


async def test_who_has_left_is_not_answered_any_more(
    discord: FakeDiscord, settings: Settings, app: App, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    bee = discord.person("Bee")
    discord.asks(bee, "farewell")
    discord.world.guild.members.pop(bee.id)
    missed = discord.asks(ada, "hi")
    async with bot_on(discord, settings, app), all_caught_up(caplog):
        await until_answered(discord, missed)
    assert len(discord.seen()) == 1


async def test_who_asked_is_known_by_the_name_and_roles_of_the_server(
    discord: FakeDiscord, settings: Settings, app: App, model: ModelServer, ada: User
) -> None:
    ada.nick = "Countess Ada"
    missed = discord.asks(ada, "hi")
    async with bot_on(discord, settings, app):
        await until_answered(discord, missed)
    assert model.questions[-1]["messages"][-1]["content"] == "Countess Ada: hi"


async def test_a_burst_that_was_missed_gets_one_answer(
    discord: FakeDiscord, settings: Settings, app: App, model: ModelServer, ada: User
) -> None:
    model.first_word_after_s = 0.5
    for text in ("wait", "I mean", "how are you?"):
        last = discord.asks(ada, text)
    async with bot_on(discord, settings, app):
        await until_answered(discord, last)
    assert len(discord.seen()) == 1


async def test_what_a_process_had_in_hand_when_it_died_is_answered_when_its_claim_runs_out(
    discord: FakeDiscord,
    settings: Settings,
    app: App,
    ada: User,
    caplog: pytest.LogCaptureFixture,
) -> None:
    app.memory._lease_s = 1.5
    asked = discord.asks(ada, "hi")
    half = discord.messages.post(discord.bot, discord.general, "Hel", reply_to=asked)
    await claims(app, asked)
    began_s = time.monotonic()
    async with bot_on(discord, settings, app), all_caught_up(caplog):
        await until_answered(discord, asked)
        assert time.monotonic() - began_s > 1.0
    assert half.deleted  # else it would stand there twice, the first time cut off


async def test_half_an_answer_with_a_face_gives_way_to_a_whole_one(
    discord: FakeDiscord, settings: Settings, app: App, ada: User
) -> None:
    discord.grants(discord.bot_role, Permission.MANAGE_WEBHOOKS)
    asked = discord.asks(ada, "hi")
    half = faced(discord, asked, "Hel")
    app.memory._lease_s = 0.5
    await claims(app, asked)
    async with bot_on(discord, settings, app):
        await until_said(discord)
    assert half.deleted
    assert said(discord) == [("Maya", HELLO)]


async def test_an_answer_with_a_face_that_memory_has_lost_is_known_by_its_link(
    discord: FakeDiscord, settings: Settings, app: App, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    faced(discord, discord.asks(ada, "hi"), "Hello long ago.")
    missed = discord.asks(ada, "and again")
    async with bot_on(discord, settings, app), all_caught_up(caplog):
        await until_answered(discord, missed)
    assert len(discord.seen()) == 2


def faced(discord: FakeDiscord, asked: Message, text: str) -> Message:
    """An answer by the bot's webhook, from before a restart."""
    webhook = discord.webhooks.make(discord.bot, asked.channel, WEBHOOK_NAME)
    link = f"https://discord.com/channels/{asked.channel.guild_id}/{asked.channel.id}/{asked.id}"
    content = f"-# ↪ {asked.author.mention} [“hi”]({link})\n{text}"
    through = WebhookMessages(discord.world, discord.webhooks, discord.messages)
    return through.say(webhook, asked.channel, {"content": content})


async def claims(app: App, asked: Message) -> None:
    """As a process does that dies before it has an answer."""
    where, author = f"discord:{asked.channel.id}", f"discord:{asked.author.id}"
    said = Incoming(where, asked.id, author, asked.author.display_name, "hi")
    await app.people._store.ask(app.memory.claim(Claim(said)))


async def test_what_is_in_hand_now_is_left_to_who_has_it(
    discord: FakeDiscord,
    settings: Settings,
    app: App,
    model: ModelServer,
    ada: User,
) -> None:
    model.first_word_after_s = 4
    app.memory._lease_s = 3
    asked = discord.asks(ada, "hi")
    async with wire(settings) as other:
        other.memory._lease_s = 3
        async with bot_on(discord, settings, other):
            assert await discord.world.until(lambda: bool(model.questions), 10)
            async with bot_on(discord, settings, app):
                await until_answered(discord, asked)
                await asyncio.sleep(1)
    assert len(model.questions) == 1
    assert answered_once(discord, asked)


@pytest.mark.parametrize("status", [403, 404, 500])
async def test_a_place_that_can_not_be_looked_through_does_not_keep_the_others_from_it(
    discord: FakeDiscord, settings: Settings, app: App, ada: User, status: int
) -> None:
    broken = discord.channel("broken")
    discord.asks(ada, "hi", broken)
    missed = discord.asks(ada, "hi")
    body = {"code": 0, "message": "as the test wants it"}
    path = f"/channels/{broken.id}/messages"
    discord.breaks(Fault("GET", path, status=status, body=body, times=100))
    async with bot_on(discord, settings, app):
        await until_answered(discord, missed)


async def test_so_many_places_are_looked_through_and_no_more(
    discord: FakeDiscord,
    settings: Settings,
    app: App,
    ada: User,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(catching_up, "PLACES_MAX", 2)
    rooms = [discord.channel(f"room-{number}") for number in range(3)]
    missed = [discord.asks(ada, "hi", room) for room in rooms]
    async with bot_on(discord, settings, app), all_caught_up(caplog):
        await until_answered(discord, *missed[:2])
    assert discord.seen(rooms[2]) == []
    assert "1 places are too many to catch up" in caplog.text


async def test_live_messages_are_answered_while_the_bot_catches_up(
    discord: FakeDiscord, settings: Settings, app: App, ada: User
) -> None:
    rooms = [discord.channel(f"room-{number}") for number in range(16)]
    missed = [discord.asks(ada, "hi", room) for room in rooms]
    bee = discord.person("Bee")
    async with bot_on(discord, settings, app):
        await until_answered(discord, missed[0])
        live = discord.asks(bee, "hi")
        await until_answered(discord, live)
        assert not answered_once(discord, missed[-1])
        await until_answered(discord, *missed)


async def test_a_bot_that_stops_stops_looking(
    discord: FakeDiscord, settings: Settings, app: App, ada: User
) -> None:
    for number in range(12):
        discord.asks(ada, "hi", discord.channel(f"room-{number}"))
    async with bot_on(discord, settings, app):
        assert await discord.world.until(lambda: bool(discord.requests("GET", "/messages")), 10)
    assert len(discord.requests("GET", "/messages")) < 12


async def test_memory_says_what_was_never_answered(app: App, place: str) -> None:
    said = Incoming(place, "1", "test:ada", "Ada", "hi")
    other = Incoming(place, "2", "test:ada", "Ada", "hi")
    answered, dropped = Claim(said), Claim(other)
    store = app.people._store
    await store.ask_all(app.memory.claim(answered), app.memory.claim(dropped))
    await app.memory.finish(answered)
    states = await app.memory.unanswered(place, ["1", "2", "3"])
    assert states.keys() == {"2", "3"}
    assert states["3"] is None
    assert (states["2"] or 0) > 20
