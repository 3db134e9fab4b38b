"""Our server against bare vLLM: tokens in a second with many streams, the first token with one.

Both run at once and one is asked at a time, first ours, then bare, then the other way round; a
vLLM that was asked something spins for a second more, so there is a pause before each change. Each
is asked the same words of the same two adapters; an answer that ends at `max_tokens` has exactly
so many tokens, and one that does not end there is an error.

Two processes of the very same bare vLLM differ: the first token by 1.6 ms of 50, measured here. So
both sides are started twice, each of them first once, and what both starts gave counts alike.
"""

from __future__ import annotations

import asyncio
import gc
import time
from dataclasses import dataclass, field

from rich.progress import Progress

from tests.bench.figures import Figure, Interval, difference_ms, ms, ratio
from tests.bench.servers import Pair, api_cpu_used, cpu_used
from tests.inference_server.streams import Heard, chat, keep_asking, lines
from tests.vllm_server import VllmServer

PERSONAS = ("maya", "tom")
STREAMS = 16
ANSWERS, TOKENS = 3, 48
"""Answers of each stream in one measurement, and tokens of each answer."""
PAIRS, WARM_PAIRS, LEAST_PAIRS = 24, 2, 15
STARTS = 2
LIMIT_S = 180.0
"""On a slow or busy machine there are as many pairs as fit in this time, for each start."""
FIRST_TOKENS, IN_A_ROW = 500, 20
SPIN_S = 1.1
LEAST_RATIO_LOW, LEAST_RATIO = 0.95, 0.98
MOST_LATER_MS = 0.5


@dataclass(slots=True)
class Measured:
    """One measurement of one side."""

    answers: int
    seconds: float
    api_cpu_s: float
    idle_cpu_s: float
    """What the other server, which nobody asked anything, used meanwhile."""

    @property
    def tokens_per_s(self) -> float:
        return self.answers * TOKENS / self.seconds


@dataclass(slots=True)
class Sides:
    ours: list[Measured] = field(default_factory=list)
    bare: list[Measured] = field(default_factory=list)


def words(pair: int, stream: int, turn: int) -> str:
    """The same for both sides, and never the same twice, so that no cache answers."""
    return f"{pair}.{stream}.{turn} Good morning! What did you do at the weekend, and with whom?"


async def same_answers(pair: Pair, names: dict[VllmServer, tuple[str, ...]]) -> None:
    """Raises where the two servers do not answer alike, alone: then they would not compare."""
    said = []
    for server, models in names.items():
        async with lines(server.port, server.inference_key, 1) as [line]:
            bodies = [chat(m, "Hello!", max_tokens=8, return_token_ids=True) for m in models]
            said.append([(await line.ask(body)).tokens() for body in bodies])
    if said[0] != said[1] or said[0][0] == said[0][1]:
        raise RuntimeError(f"the two servers do not serve the same adapters: {said}")


async def measure(
    pair: Pair, server: VllmServer, models: tuple[str, ...], turn: int, answers: int
) -> Measured:
    """Have every stream ask for so many answers, one after the other."""
    other = pair.bare if server is pair.ours else pair.ours

    def check(heard: Heard) -> None:
        if not heard.full_length():
            raise RuntimeError(f"an answer was not whole: {heard.trouble() or heard.body[-200:]!r}")

    async with lines(server.port, server.inference_key, STREAMS) as opened:
        bodies = [
            [chat(models[n % len(models)], words(turn, n, i), max_tokens=TOKENS)
             for i in range(answers)]
            for n in range(STREAMS)
        ]  # fmt: skip
        await asyncio.sleep(SPIN_S)
        api, idle, began = api_cpu_used(server), cpu_used(other), time.perf_counter()
        await asyncio.gather(
            *(
                keep_asking(line, asked.__getitem__, lambda i: i < answers, check)
                for line, asked in zip(opened, bodies, strict=True)
            )
        )
        seconds = time.perf_counter() - began
    api, idle = api_cpu_used(server) - api, cpu_used(other) - idle
    return Measured(STREAMS * answers, seconds, api, idle)


async def throughput(pair: Pair, progress: Progress, pairs: int, answers: int) -> Sides:
    names, sides, due = names_of(pair), Sides(), time.monotonic() + LIMIT_S
    task = progress.add_task(f"{STREAMS} streams, ours and bare vLLM", total=pairs + WARM_PAIRS)
    for turn in range(pairs + WARM_PAIRS):
        order = list(names) if turn % 2 else list(names)[::-1]
        measured = {
            server: await measure(pair, server, names[server], turn, answers) for server in order
        }
        if turn >= WARM_PAIRS:
            sides.ours.append(measured[pair.ours])
            sides.bare.append(measured[pair.bare])
        progress.advance(task)
        if time.monotonic() > due and sides.ours:
            break
    return sides


async def first_tokens(
    pair: Pair, progress: Progress, count: int
) -> tuple[list[float], list[float]]:
    """Seconds to the first token with one stream, in turns of a few questions in a row."""
    names, due = names_of(pair), time.monotonic() + LIMIT_S
    task = progress.add_task("the first token, ours and bare vLLM", total=count)
    heard: dict[VllmServer, list[float]] = {server: [] for server in names}
    for turn in range(-1, max(1, -(-count // IN_A_ROW))):  # the first turn is not counted
        for server in list(names) if turn % 2 else list(names)[::-1]:
            seconds = await few_first_tokens(server, names[server], turn)
            heard[server].extend(seconds if turn >= 0 else [])
        progress.advance(task, IN_A_ROW)
        if time.monotonic() > due and heard[pair.ours]:
            break
    return heard[pair.ours], heard[pair.bare]


async def few_first_tokens(server: VllmServer, models: tuple[str, ...], turn: int) -> list[float]:
    bodies = [
        chat(models[n % len(models)], words(-1, turn, n), max_tokens=4) for n in range(IN_A_ROW)
    ]
    await asyncio.sleep(SPIN_S)
    gc.disable()  # the measuring process must not pause within a measurement
    try:
        async with lines(server.port, server.inference_key, 1) as [line]:
            return [(await line.ask(body)).first_s for body in bodies]
    finally:
        gc.enable()


def names_of(pair: Pair) -> dict[VllmServer, tuple[str, ...]]:
    """What each side calls the two adapters: ours knows personas, vLLM the versions."""
    return {pair.ours: PERSONAS, pair.bare: tuple(f"{persona}@1" for persona in PERSONAS)}


@dataclass(slots=True)
class Served:
    """What all starts of both servers gave."""

    sides: Sides = field(default_factory=Sides)
    ours_first_s: list[float] = field(default_factory=list)
    bare_first_s: list[float] = field(default_factory=list)

    async def measure(self, pair: Pair, progress: Progress, fewer: int) -> None:
        """One start's part of the measurements."""
        fewer *= STARTS
        await same_answers(pair, names_of(pair))
        sides = await throughput(pair, progress, PAIRS // fewer, max(1, ANSWERS * STARTS // fewer))
        self.sides.ours += sides.ours
        self.sides.bare += sides.bare
        ours, bare = await first_tokens(pair, progress, -(-FIRST_TOKENS // fewer))
        self.ours_first_s += ours
        self.bare_first_s += bare

    def figures(self) -> list[Figure]:
        first = first_token_figure(self.ours_first_s, self.bare_first_s)
        return [*throughput_figures(self.sides), first]


def throughput_figures(sides: Sides) -> list[Figure]:
    def promised(interval: Interval) -> bool:
        return interval.low >= LEAST_RATIO_LOW and interval.median >= LEAST_RATIO

    idle = [m.idle_cpu_s / m.seconds for m in (*sides.ours, *sides.bare)]
    return [
        ratio(
            f"tokens a second, {STREAMS} streams ({len(sides.ours)} pairs)",
            [m.tokens_per_s for m in sides.ours], [m.tokens_per_s for m in sides.bare],
            "{:.0f}".format,
            f"low ≥ {LEAST_RATIO_LOW}, median ≥ {LEAST_RATIO}, {LEAST_PAIRS} pairs or more",
            promised if len(sides.ours) >= LEAST_PAIRS else None,
        ),
        ratio(
            f"processor time of the API process, an answer of {TOKENS} tokens",
            [m.api_cpu_s / m.answers for m in sides.ours],
            [m.api_cpu_s / m.answers for m in sides.bare], ms,
        ),
        Figure(
            "processor use of the server not asked, while the other one works, at most",
            f"{max(idle[len(sides.ours):]):.1%}", f"{max(idle[:len(sides.ours)]):.1%}", "", "",
        ),
    ]  # fmt: skip


def first_token_figure(ours: list[float], bare: list[float]) -> Figure:
    return difference_ms(
        f"the first token, 1 stream ({len(ours)} pairs)", ours, bare,
        f"at most +{MOST_LATER_MS} ms, {FIRST_TOKENS} pairs",
        (lambda found: found.median <= MOST_LATER_MS) if len(ours) >= FIRST_TOKENS else None,
    )  # fmt: skip
