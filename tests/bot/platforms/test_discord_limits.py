"""Limits on Discord: the notice that passes, the line before the model, /limits, /admin limits."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from bot.allowances import Allowance
from bot.platforms.discord.reply import NOTICE_S
from bot.quotas import Quota
from bot.settings import Settings
from bot.wiring import App, store, wire
from tests.bot.platforms.stage import RunningBot, Script, bot_on, speaking
from tests.fakes.discord import Channel, FakeDiscord, Fault, Message, Permission, User
from tests.fakes.model import ModelServer

HELLO = "Hello there."
FROM_THE_START = "Each person: 2 messages a minute, 86,400 tokens a day."
NO_BOUND = "This server as a whole: any messages a minute, any tokens a day."


@pytest.fixture
def settings(settings: Settings) -> Settings:
    limits = {"limit_messages_per_minute": 2, "limit_tokens_per_day": 86_400}
    return settings.model_copy(update=limits)


def with_role(discord: FakeDiscord, name: str, *may: Permission) -> User:
    """Somebody with a role of the same name."""
    person = discord.person(name)
    discord.gives(person, discord.role(name, Permission(sum(may))))
    return person


async def spend(settings: Settings, person: User, tokens: int) -> None:
    async with store(settings) as kept:
        quota = Quota(f"discord:{person.id}", Allowance(tokens_per_day=86_400))
        await kept.ask(quota.settle(tokens))


async def until_told(discord: FakeDiscord, channel: Channel | None = None) -> Message:
    """The notice that a day's tokens are used up."""

    def notices() -> list[Message]:
        said = discord.seen(channel)
        return [one for one in said if one.content.startswith("That was a lot for a day.")]

    assert await discord.world.until(lambda: bool(notices()), 8)
    return notices()[0]


# -- what reaches the core ------------------------------------------------------------------


async def test_a_message_says_who_its_author_is_in_which_server(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    ada, script = with_role(discord, "Patron"), Script()
    guild = discord.world.guild
    async with bot_on(discord, settings, speaking(app, script)):
        discord.asks(ada, "hi")
        await discord.until_says(script.ending)
        discord.says(ada, "hi", discord.direct(ada))
        await discord.until_says(script.ending, discord.direct(ada))
    there, private = script.heard
    assert there.server == f"discord:server:{guild.id}"
    assert there.roles == (f"discord:role:{discord.role('Patron').id}",)
    assert (private.server, private.roles) == (None, ())


# -- over the limit -------------------------------------------------------------------------


@pytest.mark.parametrize("private", [False, True], ids=["in a channel", "in a direct message"])
async def test_the_notice_passes_when_it_is_of_no_use_any_more(
    discord: FakeDiscord, settings: Settings, bot: RunningBot, private: bool
) -> None:
    ada = discord.person("Ada")
    channel = discord.direct(ada) if private else discord.general
    await spend(settings, ada, 86_402)
    for _ in range(3):
        discord.says(ada, f"{discord.bot.mention} hi", channel)
    notice = await until_told(discord, channel)
    assert await discord.world.until(lambda: notice.deleted, 5)
    assert len([one for one in discord.world.messages if one.author is discord.bot]) == 1
    discord.says(ada, f"{discord.bot.mention} hi", channel)
    await discord.until_says(HELLO, channel)


async def test_a_notice_of_a_long_wait_goes_with_the_process_at_the_latest(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    ada = discord.person("Ada")
    async with bot_on(discord, settings, app):
        await spend(settings, ada, 200_000)
        discord.asks(ada, "hi")
        notice = await until_told(discord)
        assert notice.content.endswith("in 32 hours.")
        assert not notice.deleted
    assert notice.deleted
    assert NOTICE_S == 15


async def test_a_notice_that_somebody_deleted_harms_nobody(
    discord: FakeDiscord, settings: Settings, bot: RunningBot, caplog: pytest.LogCaptureFixture
) -> None:
    ada = discord.person("Ada")
    await spend(settings, ada, 86_402)
    discord.asks(ada, "hi")
    notice = await until_told(discord)
    discord.deletes(notice)
    tried = discord.world.until(lambda: bool(discord.requests("DELETE", notice.id)), 5)
    assert await tried
    await bot.stop()
    assert "Traceback" not in caplog.text


# -- while the model is busy ----------------------------------------------------------------


async def test_who_waits_for_the_model_sees_the_line_and_then_the_answer_in_its_place(
    discord: FakeDiscord, settings: Settings, model: ModelServer, app_of_one: App
) -> None:
    model.pace_s = 0.8
    people = [discord.person(name) for name in ("Ada", "Bee", "Cy")]
    rooms = [discord.channel(f"room-{one.display_name}") for one in people]
    async with bot_on(discord, settings, app_of_one):
        for person, room in zip(people, rooms, strict=True):
            discord.asks(person, "hi", room)
            typing = discord.world.until(
                lambda: room in {channel for channel, _ in discord.messages.typings},  # noqa: B023
                5,
            )
            assert await typing
        said = [await discord.until_says(HELLO, room, within_s=15) for room in rooms]
    lines = [[text.content for text in one.texts] for one in said]
    assert all("busy" not in text for text in lines[0])
    assert lines[1][0] == "I am busy right now. One moment, please …"
    assert lines[2][:2] == [
        "I am busy right now: 1 person is before you.",
        "I am busy right now. One moment, please …",
    ]
    assert [len(discord.seen(room)) for room in rooms] == [1, 1, 1]


@pytest.fixture
async def app_of_one(settings: Settings) -> AsyncIterator[App]:
    """An app that asks one thing of the model at a time."""
    async with wire(settings.model_copy(update={"limit_concurrent_answers": 1})) as wired:
        yield wired


async def test_a_line_whose_post_fails_leaves_the_answer_to_come(
    discord: FakeDiscord, settings: Settings, model: ModelServer, app_of_one: App
) -> None:
    model.pace_s = 0.8
    other = discord.channel("other")
    async with bot_on(discord, settings, app_of_one):
        discord.asks(discord.person("Ada"), "hi")
        assert await discord.world.until(lambda: bool(discord.messages.typings), 5)
        discord.breaks(Fault("POST", f"/channels/{other.id}/messages", "lost answer"))
        discord.asks(discord.person("Bee"), "hi", other)
        await discord.until_says(HELLO, other, within_s=15)
    assert len(discord.seen(other)) == 1


# -- /limits --------------------------------------------------------------------------------


async def test_a_person_sees_what_is_left_and_when_it_refills_alone(
    discord: FakeDiscord, settings: Settings, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    used = discord.uses(ada, "limits")
    assert await used.answer() == (
        "Your messages: 2 of 2 a minute left.\nYour tokens: 86,400 of 86,400 a day left."
    )
    assert used.ephemeral
    discord.asks(ada, "hi")
    await discord.until_says(HELLO)
    await spend(settings, ada, 43_200)
    text = await discord.uses(ada, "limits").answer()
    assert re.fullmatch(
        r"Your messages: 1 of 2 a minute left; all in \d+ seconds\.\n"
        r"Your tokens: 43,\d\d\d of 86,400 a day left; all in 1[23] hours\.",
        text,
    )


async def test_who_has_nothing_left_sees_when_the_next_comes(
    discord: FakeDiscord, settings: Settings, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    await spend(settings, ada, 90_000)
    text = await discord.uses(ada, "limits", discord.direct(ada)).answer()
    nothing = r"Your tokens: 0 of 86,400 a day left; the next in 6[01] minutes, all in 25 hours\."
    assert re.search(nothing, text)


async def test_a_server_without_limits_says_so(
    discord: FakeDiscord, settings: Settings, bot: RunningBot
) -> None:
    boss = discord.world.owner
    everyone = discord.world.guild.roles[0]
    numbers = {"messages_per_minute": 0, "tokens_per_day": 0}
    await discord.uses(boss, "admin limits", who=everyone, **numbers).answer()
    used = discord.uses(discord.person("Ada"), "limits")
    assert await used.answer() == "There are no limits for you here."


# -- /admin limits --------------------------------------------------------------------------


async def test_the_present_limits_are_shown_without_options(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    used = discord.uses(discord.world.owner, "admin limits")
    assert await used.answer() == f"{FROM_THE_START}\n{NO_BOUND}"
    assert used.ephemeral


async def test_a_role_is_given_more_and_its_people_have_it_at_once(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    patron, ada = with_role(discord, "Patron"), discord.person("Ada")
    role = discord.role("Patron")
    async with bot_on(discord, settings, app):
        used = discord.uses(discord.world.owner, "admin limits", who=role, messages_per_minute=3)
        shown = f"{FROM_THE_START}\n{NO_BOUND}\n{role.mention}: 3 messages a minute."
        assert await used.answer() == shown
        assert "3 of 3 a minute" in await discord.uses(patron, "limits").answer()
        assert "2 of 2 a minute" in await discord.uses(ada, "limits").answer()
        for times in (1, 2, 3):
            discord.asks(patron, "hi")
            assert await discord.world.until(lambda times=times: greeted(discord) == times, 8)
        discord.asks(patron, "hi")
        told = r"That was a lot at once\. I can answer you again in (20|1\d) seconds\."
        said = discord.world.until(
            lambda: any(re.fullmatch(told, one.content) for one in discord.seen()), 8
        )
        assert await said


def greeted(discord: FakeDiscord) -> int:
    return [one.content for one in discord.seen()].count(HELLO)


async def test_a_person_and_the_server_as_a_whole_get_numbers_and_lose_them_again(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    boss, ada = discord.world.owner, discord.person("Ada")
    await discord.uses(boss, "admin limits", who=ada, tokens_per_day=0).answer()
    used = discord.uses(boss, "admin limits", messages_per_minute=50, tokens_per_day=1000)
    bound = "This server as a whole: 50 messages a minute, 1,000 tokens a day."
    assert await used.answer() == f"{FROM_THE_START}\n{bound}\n{ada.mention}: any tokens a day."
    assert await discord.uses(ada, "limits").answer() == (
        "Your messages: 2 of 2 a minute left.\n"
        "This server's messages: 50 of 50 a minute left.\n"
        "This server's tokens: 1,000 of 1,000 a day left."
    )
    await discord.uses(boss, "admin limits", reset=True).answer()
    used = discord.uses(boss, "admin limits", who=ada, reset=True)
    assert await used.answer() == f"{FROM_THE_START}\n{NO_BOUND}"


async def test_a_reset_beside_numbers_changes_nothing_and_says_so(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    boss = discord.world.owner
    used = discord.uses(boss, "admin limits", messages_per_minute=9, reset=True)
    assert "reset" in await used.answer()
    assert await discord.uses(boss, "admin limits").answer() == f"{FROM_THE_START}\n{NO_BOUND}"


async def test_who_manages_the_server_may_and_nobody_else(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    manager = with_role(discord, "Manager", Permission.MANAGE_GUILD)
    ada = discord.person("Ada")
    async with bot_on(discord, settings, app):
        used = discord.uses(manager, "admin limits", messages_per_minute=9)
        assert "This server as a whole: 9 messages a minute" in await used.answer()
        with pytest.raises(PermissionError):
            discord.uses(ada, "admin limits")
        forged = discord.uses(ada, "admin limits", forged=True, messages_per_minute=1)
        assert "may manage this server" in await forged.answer()
        assert "9 messages" in await discord.uses(manager, "admin limits").answer()
