"""Bursts on Discord: one answer, a reply to the last message, and nothing left of the others'."""

from __future__ import annotations

from tests.bot.platforms.stage import RunningBot
from tests.fakes.discord import FakeDiscord
from tests.fakes.model import ModelServer

HELLO = "Hello there."


async def test_messages_in_a_burst_get_one_answer_that_replies_to_the_last(
    discord: FakeDiscord, bot: RunningBot, model: ModelServer
) -> None:
    model.first_word_after_s = 0.5
    ada = discord.person("Ada")
    for text in ("wait", "I mean", "how are you?"):
        last = discord.asks(ada, text)
    answer = await discord.until_says(HELLO)
    await discord.final_answer(last, quiet_s=1.0)
    assert discord.seen() == [answer]
    assert answer.reply_to == last.id
    assert "wait" in str(model.questions[-1]["messages"])
