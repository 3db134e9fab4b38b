"""What was said while the bot was away is answered once, when it is back."""

from __future__ import annotations

import pytest

from bot.settings import Settings
from bot.wiring import App
from tests.bot.platforms.caught_up import HELLO, all_caught_up, until_answered
from tests.bot.platforms.stage import RunningBot, bot_on
from tests.fakes.discord import Channel, FakeDiscord, User
from tests.fakes.model import ModelServer


@pytest.fixture
def ada(discord: FakeDiscord) -> User:
    return discord.person("Ada")


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
