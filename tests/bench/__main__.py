"""Runs the benches, all of them or those named, and prints a table for each.

python -m tests.bench [--quick] [parts] [import] [discord] [serving] [gaps] [flips]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from inference_server.settings import STARTER_MODEL
from tests.bench import discord_turns, flips, gaps, import_and_turn, importing, serving
from tests.bench.figures import Figure, table
from tests.bench.servers import Pair
from tests.inference_server import made
from tests.inference_server.large import wide_base

BENCHES = ("parts", "import", "discord", "serving", "gaps", "flips")
QUICK = 5
"""With --quick there are so many times fewer measurements: to see whether it runs."""
WIDTH = 150
STARTERS = (
    "What do you want to do this weekend?",
    "How was your day?",
    "Did you see what the neighbours have put up?",
    "I can't sleep. Tell me something.",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few measurements; prove nothing")
    parser.add_argument("benches", nargs="*", help=f"some of {', '.join(BENCHES)}; default: all")
    options = parser.parse_args()
    if unknown := set(options.benches) - set(BENCHES):
        parser.error(f"there is no bench {', '.join(sorted(unknown))}; there is: {BENCHES}")
    run(options.benches or BENCHES, QUICK if options.quick else 1)


def run(benches: tuple[str, ...], fewer: int) -> None:
    out, began = Console(width=WIDTH), time.monotonic()
    figures: list[Figure] = []

    def show(title: str, other: str, compared: str, found: list[Figure]) -> None:
        figures.extend(found)
        out.print(table(title, other, compared, found))

    with Progress(console=Console(stderr=True), transient=True) as progress:
        if "parts" in benches:
            out.print(import_and_turn.table())
        if "import" in benches:
            found = importing.figures(importing.measure(progress, fewer))
            show("importing (ratio of times)", "the other", "ours / other", found)
        if "discord" in benches:
            talking(fewer, progress, show)
        if {"serving", "gaps"} & set(benches):
            small(benches, fewer, progress, show)
        if "flips" in benches:
            large(fewer, progress, show)
    judged = [figure for figure in figures if figure.met is not None]
    missed = [figure.what for figure in judged if not figure.met]
    out.print(
        f"{len(judged) - len(missed)} of {len(judged)} targets met"
        + "".join(f"\n  missed: {what}" for what in missed)
        + f"\n{time.monotonic() - began:.0f} s on {os.cpu_count()} cores; others wanted "
        f"{max(0.0, os.getloadavg()[1]):.1f} of them in the last 5 minutes, we included"
        + ("\nThese were few measurements: they prove nothing." if fewer > 1 else ""),
        highlight=False,
    )


def talking(fewer: int, progress: Progress, show: Callable[..., None]) -> None:
    """The bot on Discord, beside the least that could answer there."""
    with tempfile.TemporaryDirectory(prefix="understudy-bench-") as folder:
        found = asyncio.run(discord_turns.measure(Path(folder), progress, fewer))
    show("a turn on Discord", "the least bot", "compared", discord_turns.figures(*found))


def small(
    benches: tuple[str, ...], fewer: int, progress: Progress, show: Callable[..., None]
) -> None:
    """The benches on the starter base with adapters of rank 8."""
    served = serving.Served()
    for start in range(serving.STARTS if "serving" in benches else 1):
        with pair_of_servers(progress, ours_first=start % 2 == 0) as (pair, publish):
            if "serving" in benches:
                asyncio.run(served.measure(pair, progress, fewer))
            if "gaps" in benches and start == 0:
                rollouts = gaps.ROLLOUTS // fewer
                found = asyncio.run(gaps.bench(pair, progress, publish, rollouts))
                show("gaps between tokens, rollouts under load", "bare vLLM", "over", found)
    if "serving" in benches:
        show("serving", "bare vLLM", "ratio or difference", served.figures())


@contextmanager
def pair_of_servers(
    progress: Progress, *, ours_first: bool
) -> Iterator[tuple[Pair, Callable[[str], int]]]:
    """Both servers with two personas, and what publishes one more version of one of them."""
    with tempfile.TemporaryDirectory(prefix="understudy-bench-") as folder:
        pair = Pair(Path(folder), STARTER_MODEL)
        made_so_far = 0

        def publish(persona: str) -> int:
            nonlocal made_so_far
            made_so_far += 1
            source = pair.folder / f"made-{made_so_far}"
            return made.publish(
                pair.registry, persona, pair.base, source, seed=made_so_far, rank=8, scale=0.12
            )

        for persona in serving.PERSONAS:
            made.make_card(pair.registry, persona, starters=STARTERS)
            publish(persona)
        starting = progress.add_task("starting both servers", total=None)
        with pair.running(ours_first):
            progress.remove_task(starting)
            yield pair, publish


def large(fewer: int, progress: Progress, show: Callable[..., None]) -> None:
    """The bench with adapters of 103 MB."""
    with tempfile.TemporaryDirectory(prefix="understudy-bench-") as folder:
        base = wide_base(STARTER_MODEL, Path(folder) / "base")
        pair = Pair(Path(folder) / "home", base)
        flips.publish(pair, seed=1)
        starting = progress.add_task("starting both servers, with a wide base", total=None)
        with pair.running():
            progress.remove_task(starting)
            found = flips.figures(flips.measure(pair, progress, max(2, flips.TIMES // fewer)))
            show("from the admin's call to the flip, 103 MB", "bare vLLM", "difference", found)


if __name__ == "__main__":
    main()
