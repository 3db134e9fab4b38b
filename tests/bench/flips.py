"""From the admin's call to the flip with an adapter of 103 MB, against vLLM's own load of it.

The starter base is too narrow for such an adapter, so this is a wider one with random weights.
Bare vLLM loads the very same files, in turns with us; nobody talks meanwhile.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.progress import Progress

from tests.bench.figures import Figure, difference_ms, ms
from tests.bench.servers import Pair
from tests.bench.serving import SPIN_S
from tests.inference_server.large import large

PERSONA = "maya"
TIMES = 7
MOST_MORE_MS = 100


def publish(pair: Pair, seed: int) -> int:
    return large(pair.registry, PERSONA, pair.base, pair.folder / f"made-{seed}", seed=seed)


@dataclass(slots=True)
class Flips:
    """Seconds of every rollout in all and by step, and of vLLM's own load of the same files."""

    totals: list[float] = field(default_factory=list)
    steps: list[dict[str, float]] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)

    def step(self, name: str) -> list[float]:
        return [steps.get(name, 0.0) for steps in self.steps]


def measure(pair: Pair, progress: Progress, times: int) -> Flips:
    """Ours first, then bare, then the other way round."""
    flips = Flips()
    task = progress.add_task("an adapter of 103 MB, ours and bare vLLM", total=times)

    def ours(version: int) -> None:
        total, steps = pair.reload(PERSONA, version)
        flips.totals.append(total)
        flips.steps.append(steps)

    def bare(version: int) -> None:
        folder = pair.registry.path(PERSONA, version)
        flips.loads.append(pair.bare.load(f"{PERSONA}@{version}", folder))

    for turn in range(times):
        version = publish(pair, seed=turn + 2)
        for side in (bare, ours) if turn % 2 else (ours, bare):
            time.sleep(SPIN_S)
            side(version)
        progress.advance(task)
    return flips


def figures(flips: Flips) -> list[Figure]:
    allowed = [load + probe for load, probe in zip(flips.loads, flips.step("probe"), strict=True)]
    more = [total - most for total, most in zip(flips.totals, allowed, strict=True)]
    lines = [
        difference_ms(
            f"admin's call to its answer ({len(flips.totals)} pairs; other: load + probe)",
            flips.totals, allowed, f"at most +{MOST_MORE_MS} ms",
            lambda interval: interval.median <= MOST_MORE_MS,
        ),
        Figure("the worst of them", ms(max(flips.totals)), "", f"{max(more) * 1000:+.2f} ms", ""),
    ]  # fmt: skip
    for step in flips.steps[-1]:
        other: Sequence[float] = flips.loads if step == "load" else []
        shown = ms(statistics.median(other)) if other else ""
        lines.append(Figure(f"  {step}", ms(statistics.median(flips.step(step))), shown, "", ""))
    return lines
