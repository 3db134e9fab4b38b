"""Personas speak with their own name and picture, where a server lets them."""

from __future__ import annotations

import pytest

from bot.platforms.discord.jumping import without_jump_line
from tests.bot.platforms.stage import RunningBot
from tests.fakes.discord import Channel, FakeDiscord, Message, Permission
from tests.fakes.discord.nouns import Face
from tests.fakes.model import ModelServer, persona

HELLO = "Hello there."
SUPPRESS_EMBEDS = 1 << 2
SAY = "/webhooks/*/*"


@pytest.fixture(autouse=True)
def _may_manage_webhooks(discord: FakeDiscord) -> None:
    discord.bot_role.permissions |= Permission.MANAGE_WEBHOOKS


def words(message: Message) -> str:
    return without_jump_line(message.content)


async def until_said(
    discord: FakeDiscord, text: str = HELLO, channel: Channel | None = None
) -> Message:
    """The bot's message with these words, whatever line is above them."""

    def saying() -> list[Message]:
        return [one for one in discord.seen(channel) if words(one) == text]

    if not await discord.world.until(lambda: bool(saying()), 8):
        raise AssertionError(f"never said; but {[one.content for one in discord.seen(channel)]}")
    return saying()[0]


# -- where there are faces ------------------------------------------------------------------


async def test_an_answer_has_the_personas_name_and_picture(
    discord: FakeDiscord, model: ModelServer, bot: RunningBot
) -> None:
    model.personas = [persona("maya", avatar="https://example.org/maya.png")]
    ada = discord.person("Ada")
    asked = discord.asks(ada, "hello you")
    answer = await until_said(discord)
    assert answer.author.display_name == "Maya"
    assert isinstance(answer.author, Face)
    assert answer.author.avatar_url == "https://example.org/maya.png"
    where = f"https://discord.com/channels/{discord.world.guild.id}/{asked.channel.id}/{asked.id}"
    assert answer.content == f"-# ↪ <@{ada.id}> [“hello you”]({where})\n{HELLO}"
    assert answer.pinged == {ada.id}
    assert answer.flags & SUPPRESS_EMBEDS
    assert discord.seen() == [answer]
