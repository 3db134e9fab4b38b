"""The jump line: whom an answer is for, and nothing of what they said."""

from __future__ import annotations

import pytest

from bot.platforms.discord.jumping import leading, without_jump_line
from tests.bot.platforms.stage import RunningBot
from tests.bot.platforms.stage_faces import HELLO, until_said
from tests.fakes.discord import FakeDiscord, Permission

LINE = "-# ↪ <@42> [“hi”](https://discord.com/channels/1/2/3)\n"


def test_what_stands_below_the_line_is_what_the_persona_said() -> None:
    assert without_jump_line(LINE + "Hello\nyou.") == "Hello\nyou."
    assert without_jump_line("Hello.") == "Hello."
    assert without_jump_line("-# small print\nHello.") == "-# small print\nHello."
    assert leading(LINE + LINE) == LINE


@pytest.mark.parametrize("text", ["", "hi](https://evil.example) @everyone", "`" * 300])
async def test_the_line_is_recognised_whatever_was_asked(
    discord: FakeDiscord, bot: RunningBot, text: str
) -> None:
    discord.grants(discord.bot_role, Permission.MANAGE_WEBHOOKS)
    ada = discord.person("Ada")
    discord.asks(ada, text)
    answer = await until_said(discord)
    assert answer.content.count("\n") == 1
    assert answer.content.endswith(HELLO)
    assert answer.pinged == {ada.id}
    assert "[this message](" in answer.content  # nothing that stays when its author deletes it
