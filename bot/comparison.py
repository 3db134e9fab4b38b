"""The same line to two personas, or to one at two ages: answers side by side, and a vote.

Knows what becomes of a comparison in Redis: who gave which answer, and the votes. Nothing that
anybody said is kept, and the conversation learns nothing of it.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from random import SystemRandom
from typing import Any, Protocol

from .asking import Asking, Leave
from .cards import Persona
from .errors import ModelMissing, UnderstudyError, UnknownVersion
from .memory import Turn
from .messages import Incoming
from .personas import Personas
from .store import Ask, Store, pairs
from .voice import Speech
from .votes import VOTES_KEPT_DAYS, Side, Tally, Votes

KEPT_MS = VOTES_KEPT_DAYS * 86_400_000
A_AND_B = ("A", "B")

# KEYS: a comparison (hash); ARGV: ttl ms, sides
_KEEP = """
redis.call('HSET', KEYS[1], 'sides', ARGV[2])
return redis.call('PEXPIRE', KEYS[1], ARGV[1])
"""
_READ = "return redis.call('HGETALL', KEYS[1])"
# ARGV: the field of a side's votes
_ADD = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
return redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
"""
_END = """
if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
local was = redis.call('HGETALL', KEYS[1])
redis.call('HSET', KEYS[1], 'ended', '1')
return was
"""


class Alike(UnderstudyError):
    spoken = "Both sides would be the same. Choose another persona, or another version."


class ComparisonGone(UnderstudyError):
    spoken = f"This comparison is forgotten: it is older than {VOTES_KEPT_DAYS} days."


class ComparisonEnded(UnderstudyError):
    spoken = "This comparison has ended; it takes no more votes."


class VotedAlready(UnderstudyError):
    spoken = "You have voted here already. The first vote stands."


class VersionNotLoaded(ModelMissing):
    def __init__(self, name: str, version: int) -> None:
        super().__init__(
            spoken=f"Version {version} of {name} is not loaded on the server right now."
            " Take another one, or leave the version out."
        )


@dataclass(frozen=True, slots=True)
class Contender:
    """Who answers on one side: a persona, as it is now or at another age."""

    persona: Persona
    version: int | None = None

    @property
    def label(self) -> str:
        version = self.version or self.persona.current
        name = self.persona.display_name
        return name if version is None else f"{name}, version {version}"

    @property
    def speaker(self) -> Persona:
        """The persona as the model is asked for it."""
        if self.version is None:
            return self.persona
        return self.persona.model_copy(update={"model": f"{self.persona.name}@{self.version}"})

    def is_like(self, other: Contender) -> bool:
        return self.persona.name == other.persona.name and (
            self.version or self.persona.current
        ) == (other.version or other.persona.current)

    def side(self, speech: Speech) -> Side:
        """As the votes count it: the version that the server told, else the one asked for."""
        asked = None if self.version is None else f"{self.persona.name}@{self.version}"
        return Side(self.persona.name, speech.version or asked)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two contenders in the order they are shown in, and the line for them."""

    said: Incoming
    leave: Leave
    contenders: tuple[Contender, Contender]
    blind: bool

    @property
    def labels(self) -> tuple[str, str]:
        """What the sides are called until it is told who they are."""
        first, second = self.contenders
        return A_AND_B if self.blind else (first.label, second.label)


@dataclass(frozen=True, slots=True)
class Result:
    """How one side fared."""

    called: str
    """What it was called while people voted."""
    label: str
    votes: int
    ever: Tally
    """In all comparisons of this persona and version, this one among them."""


class Board(Protocol):
    """Where both answers grow."""

    async def show(self, side: int, text: str) -> None:
        """The whole text of one side so far; the calls are paced already."""

    async def waiting(self, side: int, ahead: int) -> None:
        """The model is busy, and so many are before this side."""


class Comparisons:
    """Comparisons under way, and those that people still vote on."""

    def __init__(self, store: Store, asking: Asking, personas: Personas, votes: Votes) -> None:
        self._store = store
        self._asking = asking
        self._personas = personas
        self._votes = votes
        self._dice = SystemRandom()

    async def contender(self, name: str, version: int | None = None) -> Contender:
        """Raises UnknownPersona, UnknownVersion, and what listing personas raises."""
        persona = await self._personas.named(name)
        if version is not None and version not in persona.versions:
            raise UnknownVersion(persona.display_name, version, persona.versions)
        return Contender(persona, version)

    async def begin(
        self, said: Incoming, contenders: Sequence[Contender], *, blind: bool = False
    ) -> Pair:
        """Both answers are counted for who asks; blind sides come in any order.

        Raises Alike, and what Asking.admit raises.
        """
        first, second = contenders
        if first.is_like(second):
            raise Alike
        leave = await self._asking.admit(said, answers=2)
        if blind and self._dice.random() < 0.5:
            first, second = second, first
        return Pair(said, leave, (first, second), blind)

    async def answer(self, pair: Pair, board: Board) -> str | None:
        """Both answers; the id under which people can vote, None where a side failed.

        Raises MemoryGone where there can be no vote although both answers are there.
        """
        with self._asking.under_way():
            speeches = (Speech(), Speech())
            await asyncio.gather(*(self._answer(pair, n, speeches[n], board) for n in (0, 1)))
        if any(speech.failure for speech in speeches):
            return None
        return await self._keep(pair, speeches)

    async def vote(self, comparison: str, voter_id: str, position: int) -> str:
        """Count a vote; what the side is called. Raises ComparisonGone, ComparisonEnded,
        VotedAlready, MemoryGone."""
        kept = await self._store.ask(Ask(_READ, _key(comparison), (), _kept))
        if kept is None:
            raise ComparisonGone
        if kept.ended:
            raise ComparisonEnded
        choice, other = kept.sides[position], kept.sides[1 - position]
        if not await self._votes.cast(voter_id, comparison, choice, [other]):
            raise VotedAlready
        await self._store.ask(Ask(_ADD, _key(comparison), (f"votes {position}",), int))
        return kept.called[position]

    async def end(self, comparison: str) -> tuple[bool, list[Result]]:
        """No more votes; whether it was open until now, and how both fared.

        Raises ComparisonGone, MemoryGone.
        """
        kept = await self._store.ask(Ask(_END, _key(comparison), (), _kept))
        if kept is None:
            raise ComparisonGone
        results = []
        for position, side in enumerate(kept.sides):
            ever = (await self._votes.counts(side.persona)).get(side.version, Tally())
            called, label = kept.called[position], kept.labels[position]
            results.append(Result(called, label, kept.votes[position], ever))
        return not kept.ended, results

    async def _answer(self, pair: Pair, position: int, speech: Speech, board: Board) -> None:
        """One side, to its last word or to why there is none."""
        said, contender = pair.said, pair.contenders[position]
        asked = Turn(said.message_id, said.author_id, said.author_name, said.text)
        show = partial(board.show, position)
        waiting = partial(board.waiting, position)
        try:
            await self._asking.speak(
                pair.leave, contender.speaker, [asked], speech, waiting=waiting, draft=show
            )
        finally:
            if isinstance(speech.failure, ModelMissing) and contender.version is not None:
                name = contender.persona.display_name
                speech.failure = VersionNotLoaded(name, contender.version)
            await show(speech.shown())

    async def _keep(self, pair: Pair, speeches: Sequence[Speech]) -> str:
        comparison = secrets.token_urlsafe(12)
        sides = [
            [side.persona, side.version, called, one.label]
            for one, called, speech in zip(pair.contenders, pair.labels, speeches, strict=True)
            for side in (one.side(speech),)
        ]
        args = (KEPT_MS, json.dumps(sides, ensure_ascii=False))
        await self._store.ask(Ask(_KEEP, _key(comparison), args, int))
        return comparison


@dataclass(frozen=True, slots=True)
class _Kept:
    sides: tuple[Side, ...]
    called: tuple[str, ...]
    labels: tuple[str, ...]
    votes: tuple[int, int]
    ended: bool


def _key(comparison: str) -> tuple[str]:
    return (f"understudy:comparison:{{{comparison}}}",)


def _kept(reply: Sequence[Any]) -> _Kept | None:
    said = dict(pairs(reply))
    if "sides" not in said:
        return None
    rows = json.loads(said["sides"])
    return _Kept(
        tuple(Side(persona, version) for persona, version, _, _ in rows),
        tuple(called for _, _, called, _ in rows),
        tuple(label for _, _, _, label in rows),
        (int(said.get("votes 0", 0)), int(said.get("votes 1", 0))),
        "ended" in said,
    )
