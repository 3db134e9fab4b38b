"""The bot as a process: runs the platforms that there are settings for, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from .errors import CannotStart, NoPlatform
from .health import STARTING, health
from .settings import Settings, load
from .wiring import App, wire

log = logging.getLogger(__name__)


def main(port: int | None = None) -> None:
    """Run until told to stop; `port` is where /health is served on this machine.

    Exits with 1 and one sentence on standard error where something can't start.
    """
    logging.basicConfig(
        level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # a line for every request
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        asyncio.run(serve(load(), port))
    except CannotStart as error:
        print(error.spoken, file=sys.stderr)
        raise SystemExit(1) from None


async def serve(settings: Settings, port: int | None = None) -> None:
    """Build the bot and run its platforms. Raises CannotStart."""
    if settings.discord_token is None:
        raise NoPlatform
    async with _stop_signal() as stopping, AsyncExitStack() as open_:
        app = await open_.enter_async_context(wire(settings))
        app.platforms["discord"] = STARTING
        if port is not None:
            await open_.enter_async_context(health(port, app.platforms))
        await run(settings, app, stopping)


async def run(settings: Settings, app: App, stopping: asyncio.Event) -> None:
    """Run Discord; from the moment of `stopping` on, no new message is taken."""
    from .platforms import discord

    draining = asyncio.create_task(_drain(app, stopping))
    try:
        await discord.run(settings, app, stopping)
    finally:
        stopping.set()
        await draining


async def _drain(app: App, stopping: asyncio.Event) -> None:
    await stopping.wait()
    log.info("stopping; answers under way finish first")
    await app.conversation.drain()


@asynccontextmanager
async def _stop_signal() -> AsyncIterator[asyncio.Event]:
    """Set by the first SIGTERM or Ctrl-C; a second one does what it always does."""
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    signals = (signal.SIGTERM, signal.SIGINT)

    def stop() -> None:
        stopping.set()
        for number in signals:
            loop.remove_signal_handler(number)

    for number in signals:
        loop.add_signal_handler(number, stop)
    try:
        yield stopping
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


if __name__ == "__main__":
    main()
