"""A real discord.py bot with the wired core against the fake Discord."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from discord import Permissions

from bot.cards import Persona
from bot.errors import Stopped
from bot.messages import Incoming, Reply
from bot.platforms import discord as platform
from bot.platforms.discord.reply import EDIT_EVERY_S
from bot.settings import Settings
from bot.wiring import App
from tests.fakes.discord import Channel, FakeDiscord, Message, Permission, Thread, User

SUPPRESS_EMBEDS = 1 << 2


@dataclass
class Script:
    """In place of the conversation: says prepared drafts with a pause after each, then the end.

    For what the core never does to a platform, or only in its own time.
    """

    drafts: Sequence[str] = ()
    ending: str = "Hello yourself."
    pause_s: float = 0.0
    breaks: Exception | None = None
    heard: list[Incoming] = field(default_factory=list)

    async def answer(self, incoming: Incoming, reply: Reply) -> None:
        self.heard.append(incoming)
        await reply.working(Persona(name="maya", display_name="Maya"))
        if self.breaks is not None:
            raise self.breaks
        said = ""
        try:
            for said in self.drafts:
                await reply.draft(said)
                await asyncio.sleep(self.pause_s)
        except asyncio.CancelledError:
            await reply.finish(f"{said} (stopped)", Stopped())
            raise
        await reply.finish(self.ending)


def speaking(app: App, script: Script) -> App:
    """The wired app with a script instead of its conversation."""
    return replace(app, conversation=script)  # type: ignore[arg-type]


def pointed_at(discord: FakeDiscord, settings: Settings, **more: object) -> Settings:
    """The same settings with another Discord."""
    urls = {"discord_api_url": discord.api_url, "discord_gateway_url": discord.gateway_url}
    return settings.model_copy(update=urls | more)


async def settled(discord: FakeDiscord, to: Message, quiet_s: float = 0.6) -> list[str]:
    """All that was said after `to`, once it is quiet."""
    return [one.content for one in await discord.final_answer(to, quiet_s=quiet_s)]


@dataclass
class RunningBot:
    stopping: asyncio.Event
    task: asyncio.Task[None]

    async def stop(self) -> None:
        self.stopping.set()
        await self.task


QUICK_EDIT_EVERY_S = EDIT_EVERY_S / 5
"""The tests' Discord has rate limits of a second instead of five; the bot is as quick."""


@asynccontextmanager
async def bot_on(
    discord: FakeDiscord,
    settings: Settings,
    app: App,
    *,
    drain_s: float = 5.0,
    silent_s: float = 60.0,
) -> AsyncIterator[RunningBot]:
    """A bot that is online, and stopped at the end."""
    stopping = asyncio.Event()
    running = platform.run(
        settings,
        app,
        stopping,
        edit_every_s=QUICK_EDIT_EVERY_S,
        drain_s=drain_s,
        silent_s=silent_s,
    )
    bot = RunningBot(stopping, asyncio.create_task(running))
    try:
        await discord.until_online()
        yield bot
    finally:
        await bot.stop()


def lets(discord: FakeDiscord, person: User, permissions: Permissions) -> None:
    """Gives a person these permissions everywhere, besides those that everyone has."""
    role = discord.role(f"trusts {person.display_name}", Permission(permissions.value))
    discord.gives(person, role)


def thread_in(discord: FakeDiscord, parent: Channel) -> Thread:
    """A new public thread of a channel, told to connected bots."""
    return discord.starts_thread(discord.world.owner, "a thread", parent)


def check_pings_only(person: User, answer: Message) -> None:
    """Nobody else, and no link in it unfolds."""
    assert answer.pinged == {person.id}
    assert [user.id for user in answer.mentions] == [person.id]
    assert answer.flags & SUPPRESS_EMBEDS
