"""What tests of surroundings share: what the model was told, and a channel heard before."""

from __future__ import annotations

from bot.platforms.discord.listening import said_at_ms
from bot.wiring import App
from tests.bot.platforms.stage_memory import until_kept
from tests.fakes.discord import Channel, FakeDiscord, Message, User
from tests.fakes.model import ModelServer

HELLO = "Hello there."
HISTORY = "/channels/*/messages"


def told(model: ModelServer) -> list[str]:
    """The lines that the model was told with its last question."""
    messages = model.questions[-1]["messages"][1:]
    return [line for one in messages for line in str(one["content"]).splitlines()]


async def asked(
    discord: FakeDiscord,
    model: ModelServer,
    person: User,
    text: str,
    reply_to: Message | None = None,
) -> list[str]:
    """Asks, and what the model was told then."""
    before = len(model.questions)
    discord.says(person, f"{discord.bot.mention} {text}", reply_to=reply_to)
    assert await discord.world.until(lambda: len(model.questions) > before, 8)
    return told(model)


async def until_settled_in(discord: FakeDiscord, app: App, channel: Channel) -> None:
    """The first answer there is shown and remembered."""
    assert await discord.world.until(lambda: bool(discord.seen(channel)), 8)
    answer = discord.seen(channel)[0]
    await until_kept(app, answer)


async def once_heard(discord: FakeDiscord, app: App, channel: Channel | None = None) -> None:
    """The channel's history has been asked for, and nothing of that is known any more."""
    channel = channel or discord.general
    discord.asks(discord.person("Zoe"), "zzz", channel)
    await until_settled_in(discord, app, channel)
    await app.memory.reset(f"discord:{channel.id}", said_at_ms(int(discord.seen(channel)[0].id)))
