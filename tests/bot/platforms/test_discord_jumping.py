"""The jump line: people's words in it stay words."""

from __future__ import annotations

import pytest

from bot.platforms.discord.jumping import leading, quoted, without_jump_line
from tests.bot.platforms.stage import RunningBot
from tests.bot.platforms.stage_faces import HELLO, until_said
from tests.fakes.discord import FakeDiscord, Permission

LINE = "-# ↪ <@42> [“hi”](https://discord.com/channels/1/2/3)\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("hello you", "hello you"),
        ("one\n\n  two", "one two"),
        ("**bold** _it_ `code` ||x||", r"\*\*bold\*\* \_it\_ \`code\` \|\|x\|\|"),
        ("x](https://evil.example) [y", "x)((link) (y"),
        ("see https://evil.example/path now", "see (link) now"),
        (
            "<@123> <@&5> <#9> @everyone",
            "\\<@\u200b123\\> \\<@\u200b&5\\> \\<\\#9\\> @\u200beveryone",
        ),
        ("back\\slash", r"back\\slash"),
        ("\u202eesrever\u2066\x07", "esrever"),
        ("x" * 61, "x" * 60 + "…"),
    ],
)
def test_a_quote_is_short_and_nothing_but_text(text: str, shown: str) -> None:
    assert quoted(text) == shown


def test_a_quote_is_bounded_whatever_it_is_made_of() -> None:
    assert len(quoted("*" * 10_000)) <= 130


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
