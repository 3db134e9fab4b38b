"""What tests of scenes share: a stage that keeps what is said on it, and scenes played there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from uuid import uuid4

import pytest

from bot.cards import Persona
from bot.errors import UnderstudyError
from bot.messages import Incoming
from bot.scene import Scene
from bot.scenes import Scenes
from bot.wiring import App
from tests.fakes.model import ModelServer, persona


@dataclass
class KeptStage:
    lines: list[tuple[str, str]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    spoke: asyncio.Event = field(default_factory=asyncio.Event)
    breaks: bool = False

    @asynccontextmanager
    async def typing(self) -> AsyncIterator[None]:
        yield

    async def say(self, persona: Persona, text: str) -> str:
        if self.breaks:
            raise UnderstudyError
        self.lines.append((persona.name, text))
        self.spoke.set()
        return f"line {len(self.lines)}"

    async def tell(self, text: str) -> None:
        self.told.append(text)

    @property
    def speakers(self) -> list[str]:
        return [name for name, _ in self.lines]


@pytest.fixture
def model(model: ModelServer, monkeypatch: pytest.MonkeyPatch) -> ModelServer:
    """Everybody says something new every time; nobody waits for long."""
    numbers = count(1)
    model.personas = [persona(name) for name in ("maya", "tom", "zoe")]
    model.speaks = lambda question: [question["model"], " says", f" {next(numbers)}."]
    monkeypatch.setattr("bot.scene.FAILURE_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr("bot.scene.BUSY_PAUSE_SECONDS", 0.0)
    return model


def topic(place: str, text: str = "the sea", author: str = "Ada") -> Incoming:
    return Incoming(place, str(uuid4()), f"test:{uuid4()}", author, text, (f"{place}-server",))


def heard(place: str, text: str, author: str = "Ben") -> Incoming:
    return Incoming(place, str(uuid4()), f"test:{author}", author, text)


async def cast(app: App, *names: str) -> list[Persona]:
    return [await app.personas.get(name) for name in names]


async def played(
    app: App, said: Incoming, *names: str, turns: int = 4, tokens_max: int = 10**6
) -> KeptStage:
    stage, app.scenes.pause_s, app.scenes.tokens_max = KeptStage(), lambda _: 0, tokens_max
    async with app.scenes.scene(said, await cast(app, *names), turns) as scene:
        await scene.play(stage)
    return stage


@asynccontextmanager
async def playing(
    app: App, said: Incoming, *names: str, turns: int = 20, pause_s: float = 3600
) -> AsyncIterator[tuple[Scene, Scenes, KeptStage]]:
    """A scene that stands still after each line for `pause_s`; it has ended after the block."""
    stage, scenes = KeptStage(), app.scenes
    scenes.pause_s = lambda _: pause_s
    async with scenes.scene(said, await cast(app, *names), turns) as scene:
        play = asyncio.create_task(scene.play(stage))
        yield scene, scenes, stage
        await play
