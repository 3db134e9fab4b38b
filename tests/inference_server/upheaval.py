"""A persona is changed again and again while many people talk to her; who noticed?

Each version speaks with one of a few voices (`voices`): a token that no other voice says. Which one
is recorded beforehand, with nobody else there. At most three versions of a persona are in the
engine, and there are twice as many voices, so an answer that mixes versions can't hide.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.inference_server import made
from tests.inference_server.stage import Stage
from tests.inference_server.streams import Heard, chat, keep_asking, lines
from tests.inference_server.voices import voices

VERSIONS_KEPT = 3
"""Serving, the one before it, and the one being tried."""
SHORT, LONG = 8, 64
QUIET = {"temperature": 0.0, "max_tokens": 3}
"""A voice repeats itself without end; so few tokens are too few for the probe to mind."""
LOOK_EVERY_S = 0.2


@dataclass(slots=True)
class Seen:
    """What the people who talked, and the operator, saw."""

    answers: int = 0
    failed: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    by_version: Counter[str] = field(default_factory=Counter)
    rollouts: int = 0
    rollbacks: int = 0
    most_loaded: int = 0
    max_loaded: int = 0
    seconds: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.answers} answers by {len(self.by_version)} versions, "
            f"{len(self.failed)} failed, {len(self.mixed)} mixed; "
            f"{self.rollouts} rollouts and {self.rollbacks} rollbacks, "
            f"{max(self.seconds, default=0):.2f} s at most; "
            f"{self.most_loaded} of {self.max_loaded} slots"
        )


class Upheaval:
    """One persona on a running stage, whose versions each speak with a voice of their own."""

    def __init__(self, stage: Stage, persona: str) -> None:
        self.stage, self.persona = stage, persona
        self._weights = voices(stage.base)
        self._tokens: list[int | None] = [None] * len(self._weights)

    def publish(self) -> int:
        """One more version, with the voice that is its turn."""
        number = max(self.stage.registry.versions(self.persona), default=0) + 1
        weights = self._weights[number % len(self._weights)]
        if number == 1:
            made.make_card(self.stage.registry, self.persona, sampling=QUIET)
        assert self.stage.publish(self.persona, rank=1, weights=weights) == number
        return number

    def token(self, version: int) -> int | None:
        """The one token that a version says."""
        return self._tokens[version % len(self._tokens)]

    async def record_voices(self) -> None:
        """Roll one version of each voice out and listen to it alone."""
        server = self.stage.server
        for _ in self._tokens:
            version = self.publish()
            await self.roll(version)
            async with lines(server.port, server.inference_key, 1) as [line]:
                asked = [await line.ask(self._question(0, turn)) for turn in range(4)]
            said = {token for heard in asked for token in heard.tokens()}
            assert len(said) == 1, f"version {version} says more than its own token: {said}"
            self._tokens[version % len(self._tokens)] = said.pop()
        assert len(set(self._tokens)) == len(self._tokens), f"one voice twice: {self._tokens}"

    async def roll(self, version: int | None = None) -> dict[str, Any]:
        """Roll a version out, or back where none is named; the server's own report."""
        if version is None:
            path = f"/admin/personas/{self.persona}/rollback"
            answer = await asyncio.to_thread(self.stage.admin, "POST", path)
        else:
            answer = await asyncio.to_thread(self.stage.reload, self.persona, version=version)
        assert answer.status_code == 200, answer.text
        outcome: dict[str, Any] = answer.json()
        assert version in (None, outcome["version"])
        return outcome

    async def run(self, seconds: float, streams: int, rollouts: int, rollbacks: int) -> Seen:
        """So many changes, spread over the time, with that many people talking throughout."""
        seen, done = Seen(), asyncio.Event()
        server = self.stage.server
        async with lines(server.port, server.inference_key, streams) as opened:
            talk = [
                keep_asking(
                    line,
                    lambda turn, n=n: self._question(n, turn),  # type: ignore[misc]
                    lambda _: not done.is_set(),
                    lambda heard: self._listen(heard, seen),
                )
                for n, line in enumerate(opened)
            ]
            async with asyncio.TaskGroup() as group:
                for talking in talk:
                    group.create_task(talking)
                looking = group.create_task(self._look(seen))
                try:
                    await self._change(seen, seconds, rollouts, rollbacks)
                finally:
                    done.set()
                    looking.cancel()
        return seen

    async def _change(self, seen: Seen, seconds: float, rollouts: int, rollbacks: int) -> None:
        plan = list(spread(rollouts, rollbacks))
        began = time.monotonic()
        for turn, forward in enumerate(plan):
            await asyncio.sleep(max(0.0, began + seconds * turn / len(plan) - time.monotonic()))
            version = await asyncio.to_thread(self.publish) if forward else None
            called = time.monotonic()
            await self.roll(version)
            seen.seconds.append(time.monotonic() - called)
            seen.rollouts += forward
            seen.rollbacks += not forward
        await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))

    async def _look(self, seen: Seen) -> None:
        """Watch the engine's slots."""
        with contextlib.suppress(asyncio.CancelledError):
            while True:
                answer = await asyncio.to_thread(self.stage.admin, "GET", "/admin/status")
                engine = answer.json()["engine"]
                seen.most_loaded = max(seen.most_loaded, engine["loaded"])
                seen.max_loaded = engine["max_loaded"]
                await asyncio.sleep(LOOK_EVERY_S)

    def _listen(self, heard: Heard, seen: Seen) -> None:
        seen.answers += 1
        if trouble := heard.trouble():
            seen.failed.append(trouble)
            return
        seen.by_version[heard.version] += 1
        said, (persona, _, version) = set(heard.tokens()), heard.version.partition("@")
        if persona != self.persona or said != {self.token(int(version))}:
            seen.mixed.append(f"{heard.version} said {sorted(said)} of {self._tokens}")

    def _question(self, stream: int, turn: int) -> bytes:
        """Short and long answers in turn, every third one in one piece."""
        return chat(
            self.persona, f"{stream}.{turn} What do you want to do this weekend?",
            max_tokens=LONG if (stream + turn) % 4 == 0 else SHORT,
            stream=(stream + turn) % 3 != 0, return_token_ids=True,
        )  # fmt: skip


def spread(rollouts: int, rollbacks: int) -> Iterator[bool]:
    """Rollouts (True) with the rollbacks spread evenly among them, a rollout first."""
    total = rollouts + rollbacks
    for turn in range(total):
        yield not ((turn + 1) * rollbacks // total > turn * rollbacks // total)
