"""Discord's part of the bot from start to stop, and one sentence for what prevents it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import aiohttp
import discord
from discord.http import Route

from bot.errors import WrongSettings
from bot.settings import Settings
from bot.wiring import App

from .answering import DRAIN_S
from .assembling import assembled
from .client import SILENT_S, Client
from .endpoints import pointing_at
from .errors import DiscordRefuses, DiscordUnreachable, MissingIntent, WrongToken
from .logs import calm
from .reply import EDIT_EVERY_S

AUTHENTICATION_FAILED = 4004


async def run(
    settings: Settings,
    app: App,
    stopping: asyncio.Event,
    *,
    edit_every_s: float = EDIT_EVERY_S,
    drain_s: float = DRAIN_S,
    silent_s: float = SILENT_S,
) -> None:
    """Answers on Discord until `stopping` is set; then answers under way finish within 20 s.

    A growing answer is edited every `edit_every_s` at most; `drain_s` is when answers that nobody
    else stopped are cut off; a connection that is silent for `silent_s` is dead. The platform's
    health is told in `app.platforms`.

    Raises CannotStart (WrongToken, MissingIntent, DiscordUnreachable, DiscordRefuses,
    WrongSettings) with the sentence for the owner; also later, when Discord revokes the token.
    """
    if settings.discord_token is None:
        raise WrongSettings("DISCORD_TOKEN is not set")
    token = settings.discord_token.get_secret_value()
    with (
        pointing_at(settings.discord_api_url, settings.discord_gateway_url),
        _spoken_failures(),
        calm(),
    ):
        async with (
            assembled(settings, app, edit_every_s=edit_every_s, silent_s=silent_s) as bot,
            _connected(bot.client, token) as connection,
        ):
            try:
                await _first_of(connection, stopping)
            finally:
                await bot.client.catching_up.close()
            await asyncio.gather(bot.answering.drain(drain_s), app.asking.drain(drain_s))


@asynccontextmanager
async def _connected(client: Client, token: str) -> AsyncIterator[asyncio.Task[None]]:
    """The client's own life; what it waits for at the end (a reconnect) is not waited for."""
    connection = asyncio.create_task(client.start(token))
    try:
        yield connection
    finally:
        connection.cancel()
        await asyncio.gather(connection, return_exceptions=True)


async def _first_of(connection: asyncio.Task[None], stopping: asyncio.Event) -> None:
    """Until it is time to stop; raises what ended the connection before."""
    asked_to_stop = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait((connection, asked_to_stop), return_when=asyncio.FIRST_COMPLETED)
    finally:
        asked_to_stop.cancel()
    if connection.done():
        connection.result()


@contextmanager
def _spoken_failures() -> Iterator[None]:
    """discord.py's reasons not to run, as sentences."""
    try:
        yield
    except discord.LoginFailure:
        raise WrongToken from None
    except discord.PrivilegedIntentsRequired:
        raise MissingIntent from None
    except discord.ConnectionClosed as error:
        if error.code == AUTHENTICATION_FAILED:
            raise WrongToken from None
        raise DiscordRefuses(f"the gateway closed with {error.code}") from error
    except discord.GatewayNotFound as error:
        raise DiscordRefuses("it does not say where its gateway is") from error
    except discord.HTTPException as error:
        raise DiscordRefuses(f"it answered {error.status}") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise DiscordUnreachable(Route.BASE, type(error).__name__) from error
