"""Importing a chat, and a turn of the bot, against the least that could do the job.

    import   parsing the sample chat, against reading its lines and matching one date
    a turn   a whole turn of the bot (limits, memory, persona, prompt, pacing), against the bare
             openai library streaming the same answer from the same stub server

The two sides alternate; printed are medians and the median of the paired ratios.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from openai import AsyncOpenAI
from rich.table import Table

from adapters.imports import whatsapp
from adapters.messages import Options, Tally
from bot.messages import Incoming
from bot.settings import Settings
from bot.wiring import wire
from deploy.local.settings import PROJECT
from tests.fakes.model import KEY, ModelServer, model_server
from tests.fakes.reply import KeptReply

SAMPLE = PROJECT / "adapters" / "samples" / "maya-and-tom.txt"
COPIES = 40
"""The sample so many times over is one import's input, so that start-up costs vanish."""
IMPORT_PAIRS, TURN_PAIRS, WARM_TURNS = 7, 200, 20
WORDS = [" word"] * 20


def parse(path: Path) -> None:
    for _ in whatsapp.read(path, Tally(), Options(None)):
        pass


def read_lines(path: Path) -> None:
    date = re.compile(r"\d\d/\d\d/\d{4}, \d\d:\d\d - ")
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            date.match(line)


def timed(act: Callable[[Path], None], path: Path) -> float:
    began = time.perf_counter()
    act(path)
    return time.perf_counter() - began


async def timed_async(act: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await act()
    return time.perf_counter() - began


def bench_import() -> tuple[list[float], list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chat.txt"
        path.write_text(SAMPLE.read_text("utf-8") * COPIES, "utf-8")
        pairs = [(timed(parse, path), timed(read_lines, path)) for _ in range(IMPORT_PAIRS)]
    return [ours for ours, _ in pairs], [least for _, least in pairs]


async def bench_turns() -> tuple[list[float], list[float]]:
    with tempfile.TemporaryDirectory() as home:
        async with model_server() as server:
            server.words = WORDS
            settings = Settings(
                understudy_home=Path(home), inference_url=server.url, inference_api_key=KEY,
                limit_messages_per_minute=100_000,
            )  # fmt: skip
            return await alternate(settings, server)


async def alternate(settings: Settings, server: ModelServer) -> tuple[list[float], list[float]]:
    bare = AsyncOpenAI(base_url=f"{server.url}/v1", api_key=KEY)

    async def least() -> None:
        stream = await bare.chat.completions.create(
            model="maya", messages=[{"role": "user", "content": "Hello?"}], stream=True
        )
        async for _ in stream:
            pass

    async with wire(settings) as app, bare:

        async def ours(turn: int) -> None:
            # Ten turns in each conversation, so that windows are as long as they usually are.
            message = Incoming(f"terminal:{turn // 10}", str(turn), "terminal:1", "Tom", "Hello?")
            await app.conversation.answer(message, KeptReply())

        pairs = []
        for turn in range(TURN_PAIRS + WARM_TURNS):
            spent = await timed_async(lambda turn=turn: ours(turn))  # type: ignore[misc]
            pairs.append((spent, await timed_async(least)))
    steady = pairs[WARM_TURNS:]
    return [ours for ours, _ in steady], [least for _, least in steady]


def table() -> Table:
    drawn = Table("what", "ours, ms", "the least, ms", "ratio", title="medians; lower is better")
    for what, (ours, least) in {
        f"import {COPIES} × the sample": bench_import(),
        "a turn of 20 tokens": asyncio.run(bench_turns()),
    }.items():
        ratio = statistics.median(a / b for a, b in zip(ours, least, strict=True))
        medians = (f"{statistics.median(side) * 1000:.2f}" for side in (ours, least))
        drawn.add_row(what, *medians, f"{ratio:.2f}")
    return drawn
