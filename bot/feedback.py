"""What people think of answers, with what was said before: for training and for statistics.

Knows its own keys in Redis; whether somebody's opinion may be kept at all (consent) is decided by
who asks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from . import feedback_scripts as scripts
from .memory import Answered, Turn
from .prompt import cut
from .store import Ask, Store, as_it_is, flat, pairs

OPINIONS_KEPT = 10_000
"""Enough to train from: some 20 MB of Redis, or a few 100 MB of the longest messages."""
OPINIONS_KEPT_DAYS = 365
"""A year: older ones judge versions that are long gone."""
CONTEXT_TURNS = 16
"""The window that personas are trained on, unless they say otherwise."""
TEXT_MAX_CHARS = 2_000
"""Of each turn; a cut one still shows what it was about."""
REMARK_MAX_CHARS = 1_000
EXPORTED_AT_ONCE = 100

DAY_MS = 86_400_000

Judgement = Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one person thinks of one answer."""

    author_id: str
    conversation: str
    verdict: Judgement
    remark: str
    """Their own words, such as why the persona wouldn't say that; often ""."""
    answered: Answered
    at: int = 0
    """When it was given or changed, in seconds since 1970."""

    @property
    def id(self) -> str:
        return _opinion_id(self.author_id, self.conversation, self.answered.answer.message_id)


@dataclass(frozen=True, slots=True)
class Counts:
    """How the opinions on one version divide."""

    up: int = 0
    down: int = 0


class Feedback:
    """Opinions, one of each person on each answer, newest kept."""

    def __init__(
        self,
        store: Store,
        *,
        name: str = "feedback",
        keep: int = OPINIONS_KEPT,
        keep_ms: int = OPINIONS_KEPT_DAYS * DAY_MS,
    ) -> None:
        """`name` tells separate collections apart."""
        self._store = store
        self._keys = tuple(f"understudy:{{{name}}}:{key}" for key in scripts.KEYS)
        self._bounds = (keep_ms, keep)

    async def give(
        self,
        author_id: str,
        conversation: str,
        answered: Answered,
        verdict: Judgement,
        remark: str = "",
    ) -> str:
        """Keep an opinion; the same person's earlier one on this answer is replaced. Its id."""
        context = tuple(map(_bounded, answered.context[-CONTEXT_TURNS:]))
        question = answered.question and _bounded(answered.question)
        said = Answered(context, question, _bounded(answered.answer))
        remark = cut(remark.strip(), REMARK_MAX_CHARS)
        opinion = Opinion(author_id, conversation, verdict, remark, said)
        await self._ask(scripts.GIVE, opinion.id, json.dumps(_to_json(opinion)))
        return opinion.id

    async def take_back(self, author_id: str, conversation: str, answer: Turn) -> bool:
        """Forget an opinion; False where there was none."""
        id_ = _opinion_id(author_id, conversation, answer.message_id)
        return bool(await self._ask(scripts.TAKE_BACK, id_))

    async def given(self, author_id: str, conversation: str, answer: Turn) -> Opinion | None:
        """What this person thinks of this answer, as far as it is kept."""
        return await self.opinion(_opinion_id(author_id, conversation, answer.message_id))

    async def opinion(self, id_: str) -> Opinion | None:
        """The opinion with this id, while it is kept."""
        (found,) = await self._ask(scripts.GET, id_)
        return _from_json(found) if found else None

    async def counts(self, persona: str) -> dict[str | None, Counts]:
        """By version of the persona; of the opinions that are kept."""
        found: dict[str | None, Counts] = {}
        for field, count in pairs(await self._ask(scripts.COUNTS)):
            name, version, verdict = json.loads(field)
            if name == persona:
                so_far = found.get(version or None, Counts())
                found[version or None] = replace(so_far, **{verdict: int(count)})
        return found

    async def about(self, author_id: str) -> list[Opinion]:
        """The opinions that a person gave, and others' that hold something the person said."""
        return [_from_json(one) for one in await self._ask(scripts.ABOUT, author_id)]

    async def forget(self, author_id: str) -> tuple[int, int]:
        """Forget a person's opinions, and what they said in others'; how many of each."""
        given, quoted = await self._ask(scripts.FORGET, author_id)
        return given, quoted

    async def revise(self, conversation: str, messages: Mapping[str, str | None]) -> None:
        """What these messages of a conversation say now, by their ids; None where one is gone."""
        now = {id_: cut(text or "", TEXT_MAX_CHARS) for id_, text in messages.items()}
        await self._ask(scripts.REVISE, conversation, *flat(now))

    async def export(self) -> AsyncIterator[str]:
        """Lines of JSON for training, oldest first; of people their display names only."""
        ids = await self._ask(scripts.IDS)
        for first in range(0, len(ids), EXPORTED_AT_ONCE):
            for one in await self._ask(scripts.GET, *ids[first : first + EXPORTED_AT_ONCE]):
                if one:  # not forgotten since
                    yield json.dumps(_for_training(_from_json(one)), ensure_ascii=False)

    async def _ask(self, script: str, *args: str) -> Any:
        return await self._store.ask(Ask(script, self._keys, (*self._bounds, *args), as_it_is))


def _opinion_id(author_id: str, conversation: str, answer_id: str) -> str:
    return _digest(json.dumps([author_id, conversation, answer_id]))


def _digest(text: str) -> str:
    """As long as any other, whatever a platform puts into its ids."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _bounded(turn: Turn) -> Turn:
    return replace(turn, text=cut(turn.text, TEXT_MAX_CHARS))


def _to_json(opinion: Opinion) -> dict[str, Any]:
    """As it is stored; the scripts know these names."""
    said = opinion.answered
    return {
        "author": opinion.author_id,
        "conversation": opinion.conversation,
        "verdict": opinion.verdict,
        "remark": opinion.remark,
        "persona": said.persona,
        "version": said.version or "",
        "context": [_row(turn) for turn in said.context],
        "question": [_row(said.question)] if said.question else [],
        "answer": _row(said.answer),
    }


def _from_json(stored: str) -> Opinion:
    kept = json.loads(stored)
    # Lua writes a list that became empty as {}.
    context = tuple(_turn(row) for row in kept["context"] or [])
    question = _turn(kept["question"][0]) if kept["question"] else None
    answer = replace(_turn(kept["answer"]), version=kept["version"] or None)
    return Opinion(
        kept["author"],
        kept["conversation"],
        cast(Judgement, kept["verdict"]),
        kept["remark"],
        Answered(context, question, answer),
        kept["at"],
    )


def _row(turn: Turn) -> list[str]:
    return [turn.author_id, turn.author_name, turn.text, turn.message_id]


def _turn(row: Sequence[str]) -> Turn:
    author_id, author_name, text, message_id = row
    return Turn(message_id, author_id, author_name, text)


def _for_training(opinion: Opinion) -> dict[str, Any]:
    said = opinion.answered
    before = [*said.context, *([said.question] if said.question else [])]
    return {
        "persona": said.persona,
        "version": said.version,
        "verdict": opinion.verdict,
        "remark": opinion.remark,
        "turns": [{"name": turn.author_name, "text": turn.text} for turn in before],
        "answer": said.answer.text,
        "at": opinion.at,
    }
