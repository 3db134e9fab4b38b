"""What people see of an answer's buttons, and of what came of a press."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.settings import Settings
from bot.wiring import App, wire
from tests.bot.platforms.stage import RunningBot, bot_on
from tests.bot.platforms.stage_memory import until_kept
from tests.fakes.discord import Channel, FakeDiscord, Interaction, Message, User
from tests.fakes.discord.components import interactive
from tests.fakes.model import ModelServer

HELLO = "Hello there."
STOPPED = "(Stopped.)"
NOT_YOURS = "Only the person I answered can do that, and people who may manage messages here."
GONE = "I don't remember that any more, so I can't go back to it. Ask me anew."
AT_IT = "I am at it already. One moment, please."


def names(message: Message) -> list[str]:
    """What hangs under a message, "(…)" where it can't be pressed."""
    found = []
    for part in interactive(message.components):
        name = part.get("label") or part["emoji"]["name"]
        found.append(f"({name})" if part.get("disabled") else name)
    return found


async def until_has(discord: FakeDiscord, message: Message, *buttons: str) -> None:
    if not await discord.world.until(lambda: names(message) == list(buttons), 8):
        raise AssertionError(f"It has {names(message)}, and says {message.content!r}")


async def until_says(discord: FakeDiscord, message: Message, text: str) -> None:
    if not await discord.world.until(lambda: message.content == text, 8):
        raise AssertionError(f"It says {message.content!r}")


async def told(discord: FakeDiscord, pressed: Interaction) -> str:
    """What only who pressed reads of it."""

    def said() -> list[Message]:
        own = [] if pressed.updates or pressed.original is None else [pressed.original]
        return [one for one in own + pressed.followups if one.only_for is pressed.user]

    assert await discord.world.until(lambda: bool(said()), 5), "nothing was said"
    (one,) = said()
    return one.content


async def answered(
    discord: FakeDiscord, app: App, person: User, text: str = "hi", where: Channel | None = None
) -> Message:
    """An answer that is shown and remembered, too."""
    asked = discord.asks(person, text, where)
    assert await discord.world.until(
        lambda: any("Again" in names(one) for one in discord.answers(asked)), 8
    )
    answer = discord.answers(asked)[-1]
    await until_kept(app, answer)
    return answer


@asynccontextmanager
async def restarted(
    discord: FakeDiscord, settings: Settings, bot: RunningBot
) -> AsyncIterator[App]:
    """The bot ended, and another process in its place."""
    await bot.stop()
    assert await discord.world.until(lambda: not discord.gateway.online, 5)
    async with wire(settings) as app, bot_on(discord, settings, app):
        yield app


def speaks_at_length(model: ModelServer) -> None:
    model.words, model.pace_s = [f"word{n} " for n in range(200)], 0.05
