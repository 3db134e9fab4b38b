"""The one place where discord.py is pointed at another server.

discord.py keeps both addresses as class attributes (`Route.BASE`, `DEFAULT_GATEWAY`) and offers
no other way, so they are set for the time a bot runs and put back after it: two bots of one
process can't run against different servers at the same time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from discord.gateway import DiscordWebSocket
from discord.http import HTTPClient, Route
from yarl import URL

from bot.errors import WrongSettings


@contextmanager
def pointing_at(api_url: str | None, gateway_url: str | None) -> Iterator[None]:
    """Talks to these servers instead of Discord's own (None). Raises WrongSettings."""
    _check("DISCORD_API_URL", api_url, ("http://", "https://"))
    _check("DISCORD_GATEWAY_URL", gateway_url, ("ws://", "wss://"))
    was = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    if api_url is not None:
        Route.BASE = api_url.rstrip("/")
    if gateway_url is not None:
        DiscordWebSocket.DEFAULT_GATEWAY = URL(gateway_url)
    try:
        yield
    finally:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = was


@dataclass(frozen=True, slots=True)
class Advice:
    """How many shards the API recommends, and how many sessions it lets begin at once."""

    shards: int
    at_once: int


async def ask_for_gateway(http: HTTPClient, *, follow: bool = True) -> Advice:
    """Takes the gateway that the API names (`follow`): another server's token is not shown to
    Discord."""
    shards, url, starts = await http.get_bot_gateway()
    if follow:
        DiscordWebSocket.DEFAULT_GATEWAY = URL(url)
    return Advice(max(1, shards), max(1, starts["max_concurrency"]))


def _check(name: str, url: str | None, schemes: tuple[str, ...]) -> None:
    if url is not None and not url.startswith(schemes):
        raise WrongSettings(f"{name} must begin with {' or '.join(schemes)}")
