"""The parts that `understudy up` starts, and how each one is known to be ready."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import httpx

from .home import HomeError
from .settings import Settings
from .supervisor import Part, minded
from .voice import Voice

HERE = "127.0.0.1"
DEFAULT_URL = f"http://{HERE}:8000"
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104


def understudy(*arguments: str) -> list[str]:
    """The command line of our own front door, in this very environment."""
    return [sys.executable, "-m", "understudy", *arguments]


@asynccontextmanager
async def inference(
    settings: Settings, voice: Voice, port: int | None = None
) -> AsyncIterator[str]:
    """The address of an inference server: the given one, a live one, or one started for now.

    With a `port` that port is taken or refused; without one any free port will do.
    """
    if settings.inference_url:
        voice.say("inference", f"yours, at {settings.inference_url}")
        yield settings.inference_url
        return
    if found := await live_inference(settings):
        voice.say("inference", f"already running at {found}")
        yield found
        return
    port = free_port() if port is None else require_free(port)
    async with minded([_inference_part(settings, port)], voice):
        yield f"http://{HERE}:{port}"


async def live_inference(settings: Settings) -> str | None:
    """The address of a server of this UNDERSTUDY_HOME that answers."""
    url = settings.announced_inference
    if url is None:
        return None
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        try:
            await client.get(f"{url}/health")
        except httpx.HTTPError:
            return None
    return url


def _inference_part(settings: Settings, port: int) -> Part:
    url = f"http://{HERE}:{port}"

    async def ready() -> str | None:
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            try:
                answer = await client.get(f"{url}/ready")
            except httpx.HTTPError:
                return None
        if answer.status_code != 200:
            return None
        degraded = answer.json().get("degraded") or []
        return f"ready at {url}" + (f"; degraded: {_names(degraded)}" if degraded else "")

    return Part(
        "inference",
        understudy("serve", "--port", str(port)),
        settings.own_environment(),
        settings.home.log("inference"),
        ready,
        starting="starting vLLM; this takes about half a minute",
        timeout_s=settings.understudy_start_timeout_s,
    )


def _redis_part(settings: Settings) -> Part:
    async def ready() -> str | None:
        live = settings.home.live("redis")
        return "ready, embedded; its data stays in " + str(settings.home.root) if live else None

    return Part(
        "redis",
        [sys.executable, "-m", "bot.embedded_redis"],
        {"UNDERSTUDY_HOME": str(settings.home.root)},
        settings.home.log("redis"),
        ready,
        timeout_s=60,
    )


def _bot_part(settings: Settings, inference_url: str, port: int) -> Part:
    async def ready() -> str | None:
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            try:
                answer = await client.get(f"http://{HERE}:{port}/health")
            except httpx.HTTPError:
                return None
        return "answers on Discord" if answer.status_code == 200 else None

    return Part(
        "bot",
        understudy("bot", "--port", str(port)),
        settings.environment(inference_url),
        settings.home.log("bot"),
        ready,
        starting="connecting to Discord",
        timeout_s=90,
    )


@asynccontextmanager
async def everything(settings: Settings, voice: Voice, port: int) -> AsyncIterator[str]:
    """All that is not given by URL runs while this lasts; yields the inference address."""
    first: Sequence[Part] = []
    if settings.redis_url:
        voice.say("redis", "yours, by REDIS_URL")
    else:
        first = [_redis_part(settings)]
    async with minded(first, voice), inference(settings, voice, port) as url:
        if settings.discord_token is None:
            voice.say("bot", "no DISCORD_TOKEN, so Discord is off; talk here with: understudy chat")
            yield url
            return
        async with minded([_bot_part(settings, url, free_port())], voice):
            yield url


async def up(settings: Settings, voice: Voice, port: int) -> None:
    """Everything on this machine until Ctrl-C or SIGTERM."""
    if other := settings.home.live("up"):
        raise HomeError(
            f"`understudy up` already runs here (process {other['pid']}); "
            "stop that one first, or set another UNDERSTUDY_HOME"
        )
    with settings.home.announced("up"):
        async with (
            until_signalled(
                signal.SIGINT, signal.SIGTERM, told=lambda: voice.say("understudy", "stopping")
            ),
            everything(settings, voice, port),
        ):
            voice.say("understudy", "up; stop with Ctrl-C")
            await asyncio.Event().wait()
    voice.say("understudy", "stopped")


@asynccontextmanager
async def until_signalled(
    *signals: signal.Signals, told: Callable[[], None] | None = None
) -> AsyncIterator[None]:
    """A signal cancels the body, which then closes what it opened; once is enough."""
    loop, body = asyncio.get_running_loop(), asyncio.current_task()
    assert body is not None
    stopping = False

    def stop() -> None:
        nonlocal stopping
        if not stopping:
            stopping = True
            if told:
                told()
            body.cancel()

    for number in signals:
        loop.add_signal_handler(number, stop)
    try:
        yield
    except asyncio.CancelledError:
        if not stopping:
            raise
        body.uncancel()
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        return int(probe.getsockname()[1])


def reachable(host: str, port: int) -> str:
    """Where processes of this machine find a server that listens at `host`."""
    return f"http://{HERE if host in EVERYWHERE else host}:{port}"


def require_free(port: int, host: str = HERE) -> int:
    """The port itself; HomeError with what to do when somebody has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise HomeError(
                f"port {port} can't be used ({error.strerror}): choose another one with --port"
            ) from error
    return port


def _names(degraded: Sequence[object]) -> str:
    return ", ".join(str(d.get("persona", d)) if isinstance(d, dict) else str(d) for d in degraded)
