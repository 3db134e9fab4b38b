"""How long running answers pause while a version is rolled out.

Streams run all the time; what they hear is looked at afterwards. The steady gaps between tokens
are those that no rollout touches; the longest gap of a rollout is the longest that touches the
time from the call to its answer. After each rollout comes as long a time without one: many gaps
have a long one among them anyway. Bare vLLM then loads the same files under the same streams.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from rich.progress import Progress

from tests.bench.figures import Figure, Interval, ms
from tests.bench.servers import Pair
from tests.bench.serving import PERSONAS, STREAMS, TOKENS, names_of, words
from tests.inference_server.streams import Heard, chat, keep_asking, lines
from tests.vllm_server import VllmServer

STEADY_S, BETWEEN_S = 10.0, 1.5
ROLLOUTS = 10
LIMIT_S = 120.0

Gap = tuple[float, float]


@dataclass(slots=True)
class Heeded:
    """What the streams of one side heard, and when it was disturbed."""

    gaps: list[Gap] = field(default_factory=list)
    disturbances: list[Gap] = field(default_factory=list)
    quiet: list[Gap] = field(default_factory=list)
    """After each disturbance as long a time without one."""
    seconds: list[float] = field(default_factory=list)
    """What each disturbance took of vLLM's own load."""

    def hear(self, heard: Heard) -> None:
        if not heard.full_length():
            raise RuntimeError(f"an answer was not whole: {heard.trouble() or heard.body[-200:]!r}")
        spoken = heard.spoken_at()
        self.gaps.extend(pairwise(spoken))

    def longest(self, times: Sequence[Gap]) -> list[float]:
        """The longest gap that touches each of these times."""
        return [
            max((b - a for a, b in self.gaps if a < ended and b > began), default=0.0)
            for began, ended in times
        ]

    def steady(self) -> list[float]:
        """The gaps, shortest first, that no disturbance touches."""
        starts = sorted(self.disturbances)

        def disturbed(gap: Gap) -> bool:
            before = bisect_right(starts, (gap[1], float("inf"))) - 1
            return before >= 0 and gap[0] < starts[before][1]

        return sorted(b - a for a, b in self.gaps if not disturbed((a, b)))


async def heed(
    server: VllmServer,
    models: Sequence[str],
    disturb: Callable[[int], float],
    times: int,
    progress: Progress,
    what: str,
) -> Heeded:
    """Keep all streams busy, disturb them so often, and say what they heard."""
    heeded, done = Heeded(), asyncio.Event()
    task = progress.add_task(what, total=times)

    def question(stream: int, turn: int) -> bytes:
        model = models[stream % len(models)]
        return chat(model, words(-2, stream, turn), max_tokens=TOKENS // 2 + 3 * stream)

    async def disturb_again_and_again() -> None:
        await asyncio.sleep(STEADY_S)
        due = time.monotonic() + LIMIT_S
        for turn in range(times):
            began = time.perf_counter()
            heeded.seconds.append(await asyncio.to_thread(disturb, turn))
            heeded.disturbances.append((began, time.perf_counter()))
            await asyncio.sleep(BETWEEN_S)
            spent, quiet = heeded.disturbances[-1][1] - began, time.perf_counter()
            heeded.quiet.append((quiet, quiet + spent))
            await asyncio.sleep(spent)
            progress.advance(task)
            if time.monotonic() > due:
                break

    async with (
        lines(server.port, server.inference_key, STREAMS) as opened,
        asyncio.TaskGroup() as group,
    ):
        for n, line in enumerate(opened):
            asked = keep_asking(
                line,
                lambda turn, n=n: question(n, turn),  # type: ignore[misc]
                lambda _: not done.is_set(),
                heeded.hear,
            )
            group.create_task(asked)
        try:
            await disturb_again_and_again()
        finally:
            done.set()
    return heeded


async def bench(
    pair: Pair, progress: Progress, publish: Callable[[str], int], rollouts: int
) -> list[Figure]:
    """`publish` makes one more version of a persona; the streams talk to her and to another."""
    persona = PERSONAS[0]
    versions = [publish(persona) for _ in range(rollouts)]

    def roll(turn: int) -> float:
        _, steps = pair.reload(persona, versions[turn])
        return steps["load"]

    def load(turn: int) -> float:
        folder = pair.registry.path(persona, versions[turn])
        spent = pair.bare.load(f"{persona}@{versions[turn]}", folder)
        if turn:  # as our server does: the one before the last goes
            pair.bare.unload(f"{persona}@{versions[turn - 1]}")
        return spent

    names = names_of(pair)
    ours = await heed(
        pair.ours, names[pair.ours], roll, rollouts, progress, "rollouts under streams, ours"
    )
    bare = await heed(
        pair.bare, names[pair.bare], load, rollouts, progress, "loads under streams, bare vLLM"
    )
    return figures(ours, bare)


def figures(ours: Heeded, bare: Heeded) -> list[Figure]:
    steady, bare_steady = percentile(ours.steady(), 0.99), percentile(bare.steady(), 0.99)
    longest, quiet = ours.longest(ours.disturbances), ours.longest(ours.quiet)
    bare_longest, loads = bare.longest(bare.disturbances), bare.seconds
    allowed = [steady + load for load in loads]
    over, over_anyway = (
        [gap - most for gap, most in zip(gaps, allowed, strict=True)] for gaps in (longest, quiet)
    )
    more = Interval.of([gap - without for gap, without in zip(longest, quiet, strict=True)])
    return [
        Figure(
            f"gap between tokens, {STREAMS} streams, steady: 99 of 100 are below",
            ms(steady), ms(bare_steady), "", "",
        ),
        Figure(
            f"vLLM's load of the same files under streams (ours: its part of {len(longest)} "
            "rollouts)",
            ms(statistics.median(ours.seconds)), ms(statistics.median(loads)), "",
            " … ".join(map(ms, (min(loads), max(loads)))),
        ),
        Figure(
            "longest gap of a rollout (bare: of a load), median",
            ms(statistics.median(longest)), ms(statistics.median(bare_longest)), "", "",
        ),
        Figure(
            "longest gap of a rollout (other: of as long a time without one)",
            ms(statistics.median(longest)), ms(statistics.median(quiet)),
            f"{more.median * 1000:+.2f} ms", f"{ms(more.low)} … {ms(more.high)}",
            "adds at most vLLM's load, medians", more.median <= statistics.median(loads),
        ),
        Figure(
            f"longest gap of all {len(longest)} rollouts (bare: of all loads)",
            ms(max(longest)), ms(max(bare_longest)),
            f"{max(over) * 1000:+.2f} ms",
            f"{sum(o <= 0 for o in over)} of {len(over)} within; "
            f"{sum(o <= 0 for o in over_anyway)} without a rollout",
            "each at most steady p99 + its load", max(over) <= 0,
        ),
    ]  # fmt: skip


def percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
