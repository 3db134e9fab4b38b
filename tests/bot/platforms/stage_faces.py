"""What tests of faces share: the words below a jump line, and who said them."""

from __future__ import annotations

from bot.platforms.discord.jumping import without_jump_line
from tests.fakes.discord import Channel, FakeDiscord, Message

HELLO = "Hello there."


def words(message: Message) -> str:
    return without_jump_line(message.content)


def said(discord: FakeDiscord, channel: Channel | None = None) -> list[tuple[str, str]]:
    """Names and words of the bot's messages, oldest first."""
    return [(one.author.display_name, words(one)) for one in discord.seen(channel)]


async def until_said(
    discord: FakeDiscord, text: str = HELLO, channel: Channel | None = None
) -> Message:
    """The bot's message with these words, whatever line is above them."""

    def saying() -> list[Message]:
        return [one for one in discord.seen(channel) if words(one) == text]

    if not await discord.world.until(lambda: bool(saying()), 15):
        raise AssertionError(f"never said: {text!r}, but {said(discord, channel)}")
    return saying()[0]


async def until_shown(discord: FakeDiscord, channel: Channel | None = None) -> Message:
    """The first message of an answer that may go on."""
    if not await discord.world.until(lambda: bool(discord.seen(channel)), 15):
        raise AssertionError("nothing was said")
    return discord.seen(channel)[0]
