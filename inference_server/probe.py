"""Has a version answer its persona's conversation starters before anyone else talks to it.

Empty or endlessly repeating answers fail it, but only where the base model passes with the same
words, sampling and seeds: a small base repeats by itself. Numbers that are not finite always do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from adapters.manifest import BASE, PromptFormat, Sampling

from .errors import EngineRefused, ProbeFailed

PROBE_SECONDS = 60.0
PROBE_TOKENS = 40
STARTERS_ASKED = 4
SEEDS = (1, 2)
"""An unlucky draw is not a broken version: it fails where every seed does."""
PLAIN_STARTER = "Hello, how are you?"
NOT_FINITE = "its numbers are not finite"
REPEATS = 4
REPEATED_CHARACTERS = 24


@dataclass(frozen=True, slots=True)
class Answer:
    """What the engine said; `ended` means it stopped by itself."""

    text: str
    ended: bool
    finite: bool

    @property
    def fault(self) -> str | None:
        if not self.finite:
            return NOT_FINITE
        if not self.text.strip():
            return "it says nothing"
        if not self.ended and repeats_itself(self.text):
            return f"it repeats itself without end ({self.text[-30:]!r})"
        return None


@dataclass(frozen=True, slots=True)
class Questions:
    """What a probe asks, and how."""

    system_prompt: str
    starters: Sequence[str]
    sampling: Sampling
    prompt_format: PromptFormat

    def conversations(self) -> list[list[dict[str, str]]]:
        label = self.prompt_format.speaker_label.replace("{name}", "Sam")
        system = [{"role": "system", "content": self.system_prompt}] if self.system_prompt else []
        asked = list(self.starters)[:STARTERS_ASKED] or [PLAIN_STARTER]
        return [[*system, {"role": "user", "content": label + starter}] for starter in asked]

    def draws(self) -> list[dict[str, Any]]:
        set_fields = self.sampling.model_dump(exclude_none=True)
        tokens = min(self.sampling.max_tokens, PROBE_TOKENS)
        return [{**set_fields, "max_tokens": tokens, "seed": seed} for seed in SEEDS]


class Answering(Protocol):
    engines: int
    """How many hold the same versions and share the requests; `rank` is one of them."""

    async def answer(
        self, name: str, messages: Sequence[dict[str, str]], sampling: dict[str, Any], rank: int
    ) -> Answer: ...


def repeats_itself(text: str) -> bool:
    """Whether the text ends in one piece said again and again."""
    tail = text.rstrip()
    for length in range(1, len(tail) // REPEATS + 1):
        times = max(REPEATS, -(-REPEATED_CHARACTERS // length))
        piece = tail[-length:]
        if piece.strip() and tail.endswith(piece * times):
            return True
    return False


async def probe(engine: Answering, version: str, questions: Questions) -> None:
    """Raises ProbeFailed where, on any engine, the version answers worse than the base or late."""
    try:
        async with asyncio.timeout(PROBE_SECONDS), asyncio.TaskGroup() as group:
            for rank in range(engine.engines):
                group.create_task(_examine(engine, version, questions, rank))
    except TimeoutError:
        raise ProbeFailed(f"it did not answer within {PROBE_SECONDS:g} s") from None
    except ExceptionGroup as failures:
        refused, rest = failures.split((ProbeFailed, EngineRefused))
        if refused is None or rest is not None:
            raise
        raise ProbeFailed(str(refused.exceptions[0])) from refused


async def _examine(engine: Answering, version: str, questions: Questions, rank: int) -> None:
    """One question after the other: a step that reads several new prompts is a pause for all."""
    for messages in questions.conversations():
        await _ask(engine, version, messages, questions.draws(), rank)


async def _ask(
    engine: Answering,
    version: str,
    messages: list[dict[str, str]],
    draws: list[dict[str, Any]],
    rank: int,
) -> None:
    fault = await _fault(engine, version, messages, draws, rank)
    if fault == NOT_FINITE or (fault and not await _fault(engine, BASE, messages, draws, rank)):
        raise ProbeFailed(f"{fault}, unlike the base, asked {messages[-1]['content'][:60]!r}")


async def _fault(
    engine: Answering,
    name: str,
    messages: list[dict[str, str]],
    draws: list[dict[str, Any]],
    rank: int,
) -> str | None:
    fault = None
    for draw in draws:
        fault = (await engine.answer(name, messages, draw, rank)).fault
        if fault is None:
            return None
    return fault
