"""A turn on Discord, ours and the least bot's: to the model request, processor time, memory.

Each bot runs in a process of its own against the fake Discord and a stub model in this one. The
two take turns: first alone in a quiet channel, then all channels at once.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psutil
from rich.progress import Progress

from bot.embedded_redis import EmbeddedRedis
from deploy.local.settings import PROJECT
from tests.bench.figures import Figure, difference_ms, ms, ratio
from tests.fakes.discord import Channel, FakeDiscord, Message
from tests.fakes.model import KEY, ModelServer, model_server, persona
from tests.inference_server.processes import cpu_seconds

WORDS = [" word"] * 20
TURNS, WARM_TURNS, ROUNDS, CROWD = 150, 20, 3, 40
"""So many turns a round one after the other, so many rounds, so many channels at once."""
MOST_MS, MOST_MB = 8.0, 150.0
WITHIN_S = 30.0


@dataclass
class Side:
    """One bot, and what was measured of it."""

    module: str
    to_request_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    """Processor seconds a turn, one figure a round."""
    turns_per_s: list[float] = field(default_factory=list)
    peak_mb: float = 0.0


@asynccontextmanager
async def running(
    side: Side, model: ModelServer, home: Path, redis: str
) -> AsyncIterator[tuple[FakeDiscord, int]]:
    """The bot online on a Discord of its own, and its process id."""
    async with FakeDiscord() as discord:
        discord.limits.rules = {}
        environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "PYTHONPATH": str(PROJECT),
            "UNDERSTUDY_HOME": str(home), "REDIS_URL": redis,
            "INFERENCE_URL": f"{model.url}/v1", "INFERENCE_API_KEY": KEY,
            "DISCORD_TOKEN": discord.token, "DISCORD_API_URL": discord.api_url,
            "LIMIT_MESSAGES_PER_MINUTE": "100000", "DISCORD_REQUESTS_PER_SECOND": "0",
        }  # fmt: skip
        with (home / f"{side.module}.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", side.module,
                env=environment, cwd=home, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            await discord.until_online(within_s=30)
            yield discord, process.pid
        finally:
            process.terminate()
            await asyncio.wait_for(process.wait(), WITHIN_S)


async def answered(discord: FakeDiscord, asked: Message) -> None:
    whole = "".join(WORDS).strip()

    def whole_answer() -> bool:
        return any(one.content.strip() == whole for one in discord.answers(asked))

    if not await discord.world.until(whole_answer, WITHIN_S):
        raise RuntimeError(f"no answer to {asked.content!r} within {WITHIN_S:g} s")


async def alone(side: Side, discord: FakeDiscord, pid: int, model: ModelServer, turns: int) -> None:
    """One turn after the other, in ten channels in turn."""
    ada, channels = discord.person("Ada"), [discord.channel(f"quiet-{n}") for n in range(10)]
    for turn in range(WARM_TURNS + turns):
        if turn == WARM_TURNS:
            used = cpu_seconds(pid)
        model.came_at.clear()
        began = time.perf_counter()
        asked = discord.asks(ada, f"hello {turn}", channels[turn % len(channels)])
        await answered(discord, asked)
        if turn >= WARM_TURNS:
            side.to_request_s.append(model.came_at[0] - began)
    side.cpu_s.append((cpu_seconds(pid) - used) / turns)


async def crowded(side: Side, discord: FakeDiscord, turns: int) -> None:
    """All channels at once, each with one person who asks again as soon as there is an answer."""
    each = max(turns // CROWD, 2)

    async def one(channel: Channel) -> None:
        person = discord.person(f"person of {channel.name}")
        for turn in range(each):
            await answered(discord, discord.asks(person, f"hello {turn}", channel))

    channels = [discord.channel(f"crowd-{n}") for n in range(CROWD)]
    began = time.perf_counter()
    await asyncio.gather(*map(one, channels))
    side.turns_per_s.append(CROWD * each / (time.perf_counter() - began))


async def measure(folder: Path, progress: Progress, fewer: int) -> tuple[Side, Side]:
    ours, least = Side("bot"), Side("tests.bench.least_bot")
    task = progress.add_task("turns on Discord, ours and the least bot's", total=2 * ROUNDS)
    redis = EmbeddedRedis(folder)
    with redis.running():
        async with model_server() as model:
            model.words, model.personas = WORDS, [persona("maya")]
            address = f"unix://{quote(str(redis.socket))}"
            for turn in range(ROUNDS):
                for side in (ours, least) if turn % 2 else (least, ours):
                    async with running(side, model, folder, address) as (discord, pid):
                        await alone(side, discord, pid, model, TURNS // fewer)
                        await crowded(side, discord, TURNS // fewer)
                        peak = psutil.Process(pid).memory_full_info()
                        side.peak_mb = max(side.peak_mb, _peak_mb(pid), peak.uss / 2**20)
                    progress.advance(task)
    return ours, least


def figures(ours: Side, least: Side) -> list[Figure]:
    p99 = [sorted(side.to_request_s)[int(len(side.to_request_s) * 0.99)] for side in (ours, least)]
    median = statistics.median(ours.to_request_s)
    cpu = statistics.median(ours.cpu_s)
    return [
        difference_ms(
            f"message event → model request ({len(ours.to_request_s)} turns)",
            ours.to_request_s, least.to_request_s,
            f"ours at most {MOST_MS:g} ms", lambda _: median * 1000 <= MOST_MS,
        ),
        Figure("  99 of 100 are below", ms(p99[0]), ms(p99[1]), "", ""),
        difference_ms(
            "processor time of a turn of 20 tokens, by round", ours.cpu_s, least.cpu_s,
            f"ours at most {MOST_MS:g} ms", lambda _: cpu * 1000 <= MOST_MS,
        ),
        ratio(
            f"turns a second, {CROWD} channels at once", ours.turns_per_s, least.turns_per_s,
            lambda each: f"{each:.0f}",
        ),
        Figure(
            "peak resident memory", f"{ours.peak_mb:.0f} MB", f"{least.peak_mb:.0f} MB", "", "",
            f"ours at most {MOST_MB:g} MB", ours.peak_mb <= MOST_MB,
        ),
    ]  # fmt: skip


def _peak_mb(pid: int) -> float:
    """The most memory a process ever had resident."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) / 1024
