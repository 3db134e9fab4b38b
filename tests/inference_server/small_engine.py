"""A small engine at the boundary that a rollout knows: it loads real files and answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

from adapters.manifest import ADAPTER_WEIGHTS, BASE
from inference_server.errors import EngineRefused
from inference_server.probe import Answer

GOOD = Answer("I am fine, thank you.", ended=True, finite=True)
SILENT = Answer("  ", ended=True, finite=True)
ENDLESS = Answer("well then " * 9, ended=False, finite=True)
NOT_FINITE = Answer("well", ended=True, finite=False)


class SmallEngine:
    """Holds what it is given; says `answers[name]`, else something good, when `open` is set.

    `answers_of[rank]` goes before that, where there are several engines.
    """

    def __init__(self, max_loaded: int = 10, max_rank: int = 16, engines: int = 1) -> None:
        self.max_loaded, self.max_rank, self.engines = max_loaded, max_rank, engines
        self.loaded: dict[str, Path] = {}
        self.most_loaded = 0
        self.answers: dict[str, Answer] = {}
        self.answers_of: dict[int, dict[str, Answer]] = {}
        self.refused: set[str] = set()
        self.asked: list[tuple[str, Sequence[dict[str, str]], dict[str, Any]]] = []
        self._answering = self.most_at_once = 0
        self.open = asyncio.Event()
        self.open.set()

    async def load(self, name: str, folder: Path) -> None:
        await self.open.wait()
        if name in self.refused:
            raise EngineRefused("no such module")
        if name in self.loaded:
            raise EngineRefused(f"{name} is loaded already")
        load_file(folder / ADAPTER_WEIGHTS)
        self.loaded[name] = folder
        self.most_loaded = max(self.most_loaded, len(self.loaded))

    async def remove(self, name: str) -> None:
        await asyncio.sleep(0)
        self.loaded.pop(name, None)

    async def answer(
        self, name: str, messages: Sequence[dict[str, str]], sampling: dict[str, Any], rank: int
    ) -> Answer:
        assert 0 <= rank < self.engines
        if name != BASE and name not in self.loaded:
            raise EngineRefused(f"{name} is not loaded")
        self.asked.append((name, messages, sampling))
        self._answering += 1
        self.most_at_once = max(self.most_at_once, self._answering)
        await asyncio.sleep(0)
        self._answering -= 1
        return self.answers_of.get(rank, self.answers).get(name, GOOD)
