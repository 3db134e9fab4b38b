"""What breaks around faces: an answer is never lost, never doubled, and needs no explanation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.settings import Settings
from bot.wiring import App
from tests.bot.platforms.stage import RunningBot, Script, bot_on, speaking, thread_in
from tests.bot.platforms.stage_faces import HELLO, said, until_said, until_shown, words
from tests.fakes.discord import FakeDiscord, Fault, Permission
from tests.fakes.model import ModelServer

SAY = "/webhooks/*/*"
EDIT = "/webhooks/*/*/messages/*"
FORBIDDEN = {"code": 50013, "message": "Missing Permissions"}


@pytest.fixture(autouse=True)
def _may_manage_webhooks(discord: FakeDiscord) -> None:
    discord.bot_role.permissions |= Permission.MANAGE_WEBHOOKS


def counting(model: ModelServer) -> str:
    """Lets the model speak for a while; what it says in the end."""
    model.words, model.pace_s = [f" {number}" for number in range(15)], 0.1
    return "".join(model.words).strip()


# -- a webhook that goes --------------------------------------------------------------------


async def test_a_deleted_webhook_is_made_again_for_the_next_answer(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    discord.asks(ada, "hi")
    first = await until_said(discord)
    (webhook,) = discord.webhooks.all.values()
    discord.deletes_webhook(webhook)
    model.words = ["Again."]
    discord.asks(ada, "hi again")
    second = await until_said(discord, "Again.")
    assert second.author.display_name == "Maya"
    assert second.webhook_id != first.webhook_id
    assert said(discord) == [("Maya", HELLO), ("Maya", "Again.")]


@pytest.mark.parametrize("tidies", [True, False])
async def test_an_answer_whose_webhook_vanishes_goes_on_in_a_whole_new_message(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot, tidies: bool
) -> None:
    """The old one goes, where the bot may delete it; else it stays as far as it came."""
    if tidies:
        discord.grants(discord.bot_role, Permission.MANAGE_MESSAGES)
    whole = counting(model)
    ada = discord.person("Ada")
    discord.asks(ada, "count")
    old = await until_shown(discord)
    (webhook,) = discord.webhooks.all.values()
    discord.deletes_webhook(webhook)
    answer = await until_said(discord, whole)
    assert answer.author.display_name == "Maya"
    assert answer.content.startswith(f"-# ↪ {ada.mention} ")
    assert await discord.world.until(lambda: old.deleted == tidies, 5)
    assert len(discord.seen()) == (1 if tidies else 2)
    assert whole.startswith(words(old))


async def test_an_answer_that_can_have_no_face_any_more_goes_on_as_the_bot(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    whole = counting(model)
    asked = discord.asks(discord.person("Ada"), "count")
    await until_shown(discord)
    discord.revokes(discord.bot_role, Permission.MANAGE_WEBHOOKS)
    (webhook,) = discord.webhooks.all.values()
    discord.deletes_webhook(webhook)
    answer = await discord.until_says(whole)
    assert (answer.author, answer.reply_to) == (discord.bot, asked.id)


async def test_an_answer_whose_edit_is_refused_goes_on_in_a_new_message(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    whole = counting(model)
    discord.breaks(Fault("PATCH", EDIT, status=403, body=FORBIDDEN))
    discord.asks(discord.person("Ada"), "count")
    assert (await until_said(discord, whole)).author.display_name == "Maya"


async def test_a_permission_lost_in_the_middle_of_an_answer_lets_it_end_as_it_began(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    whole = counting(model)
    discord.asks(discord.person("Ada"), "count")
    await until_shown(discord)
    discord.revokes(discord.bot_role, Permission.MANAGE_WEBHOOKS)
    await until_said(discord, whole)
    assert said(discord) == [("Maya", whole)]


async def test_an_answer_with_a_face_that_somebody_deletes_stays_deleted(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    counting(model)
    ada = discord.person("Ada")
    discord.asks(ada, "count")
    discord.deletes(await until_shown(discord))
    model.words, model.pace_s = [HELLO], 0
    discord.asks(ada, "fine, stop")
    await until_said(discord)
    assert said(discord) == [("Maya", HELLO)]


async def test_a_webhook_that_was_moved_speaks_nowhere_else(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    discord.asks(ada, "hi")
    await until_said(discord)
    elsewhere = discord.channel("elsewhere")
    (webhook,) = discord.webhooks.all.values()
    webhook.channel = elsewhere  # before Discord tells of it
    model.words = ["Here."]
    discord.asks(ada, "where are you?")
    await until_said(discord, "Here.")
    assert discord.seen(elsewhere) == []


async def test_a_channel_deleted_in_the_middle_of_an_answer_harms_no_other(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot, caplog: pytest.LogCaptureFixture
) -> None:
    ada, doomed = discord.person("Ada"), discord.channel("doomed")
    counting(model)
    discord.asks(ada, "count", doomed)
    await until_shown(discord, doomed)
    discord.deletes_channel(doomed)
    model.words, model.pace_s = [HELLO], 0
    discord.asks(ada, "hi")
    await until_said(discord)
    assert "Traceback" not in caplog.text


# -- Discord says no ------------------------------------------------------------------------


async def test_where_all_webhooks_are_used_up_the_bot_is_itself_until_one_goes(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    theirs = [discord.makes_webhook(ada, f"News {number}") for number in range(15)]
    for text in ("One.", "Two."):
        model.words = [text]
        discord.asks(ada, "hi")
        assert (await discord.until_says(text)).author is discord.bot
    assert len(discord.requests("POST", "/webhooks")) == 1  # it does not insist
    discord.deletes_webhook(theirs[0])
    model.words = ["Three."]
    discord.asks(ada, "hi")
    assert (await until_said(discord, "Three.")).author.display_name == "Maya"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_where_discord_refuses_webhooks_the_bot_is_itself(
    discord: FakeDiscord, bot: RunningBot, method: str
) -> None:
    discord.breaks(Fault(method, "/channels/*/webhooks", status=403, body=FORBIDDEN))
    asked = discord.asks(discord.person("Ada"), "hi")
    answer = await discord.until_says(HELLO)
    assert (answer.author, answer.reply_to) == (discord.bot, asked.id)


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_an_answer_that_discord_refuses_from_a_face_is_the_bots(
    discord: FakeDiscord, bot: RunningBot, status: int
) -> None:
    discord.breaks(Fault("POST", SAY, status=status, body={"code": 50035, "message": "No"}))
    asked = discord.asks(discord.person("Ada"), "hi")
    answer = await discord.until_says(HELLO)
    assert (answer.author, answer.reply_to) == (discord.bot, asked.id)
    assert discord.seen() == [answer]


# -- answers of Discord that get lost -------------------------------------------------------


@pytest.mark.parametrize("in_thread", [False, True])
async def test_a_send_whose_answer_was_lost_is_there_once_and_goes_on_growing(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot, in_thread: bool
) -> None:
    where = thread_in(discord, discord.general) if in_thread else discord.general
    whole = counting(model)
    discord.breaks(Fault("POST", SAY, "lost answer"))
    asked = discord.asks(discord.person("Ada"), "count", where)
    await until_said(discord, whole, where)
    await discord.final_answer(asked, quiet_s=0.6)
    assert said(discord, where) == [("Maya", whole)]


async def test_a_send_that_never_arrived_is_made_again(
    discord: FakeDiscord, bot: RunningBot
) -> None:
    discord.breaks(Fault("POST", SAY, "dropped"))
    asked = discord.asks(discord.person("Ada"), "hi")
    await until_said(discord)
    await discord.final_answer(asked, quiet_s=0.6)
    assert said(discord) == [("Maya", HELLO)]


async def test_what_somebody_else_said_is_not_taken_for_the_lost_answer(
    discord: FakeDiscord, settings: Settings, app: App
) -> None:
    ada, script = discord.person("Ada"), Script(drafts=[""], pause_s=1.0)
    async with bot_on(discord, settings, speaking(app, script)):
        asked = discord.asks(ada, "hi")
        assert await discord.world.until(lambda: bool(discord.messages.typings), 10)
        discord.says(ada, script.ending)
        discord.breaks(Fault("POST", SAY, "dropped"))
        await until_said(discord, script.ending)
        await discord.final_answer(asked, quiet_s=0.6)
    assert said(discord) == [("Maya", script.ending)]


@pytest.mark.parametrize("kind", ["status", "late failure"])
async def test_a_send_that_discord_fails_is_there_once_whether_it_happened_or_not(
    discord: FakeDiscord, bot: RunningBot, kind: str
) -> None:
    discord.breaks(Fault("POST", SAY, kind, status=502))
    asked = discord.asks(discord.person("Ada"), "hi")
    await until_said(discord)
    await discord.final_answer(asked, quiet_s=1.6)
    assert said(discord) == [("Maya", HELLO)]


async def test_a_webhook_whose_making_got_lost_is_found_for_the_next_answer(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    ada = discord.person("Ada")
    discord.breaks(Fault("POST", "/channels/*/webhooks", "lost answer"))
    discord.asks(ada, "hi")
    await until_said(discord)
    model.words = ["Again."]
    discord.asks(ada, "hi")
    assert (await until_said(discord, "Again.")).author.display_name == "Maya"
    assert len(discord.webhooks.all) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault("POST", SAY, "rate limited", retry_after_s=0.4),
        Fault("POST", SAY, "blocked", retry_after_s=1),
    ],
    ids=["a limit", "a block at the edge"],
)
async def test_what_discord_asks_to_wait_for_only_delays_an_answer(
    discord: FakeDiscord, bot: RunningBot, fault: Fault
) -> None:
    discord.breaks(replace(fault))
    discord.asks(discord.person("Ada"), "hi")
    await until_said(discord)
    assert said(discord) == [("Maya", HELLO)]
