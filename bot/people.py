"""What the bot keeps of one person, everywhere: to see it, to take it along, to have it forgotten.

Knows where a person spoke; what is said there is memory's, and opinions and votes are feedback's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from .feedback import Feedback, Opinion
from .memory import Memory, Turn
from .messages import Incoming
from .store import CLOCK, Ask, Store
from .votes import Votes

CONVERSATIONS_AT_ONCE = 50
PRIVATE_TALKS_KEPT = 1000

# A turn is dropped when its conversation is next spoken in after the ttl, and the conversation
# with all of it after a ttl of silence: at the latest two of them after the person spoke.
_TRACE = (
    CLOCK
    + """
local ttl = 2 * ARGV[2]
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ttl)
redis.call('PEXPIRE', KEYS[1], ttl)
return redis.call('GET', KEYS[2]) or 0
"""
)

_TRACES = (
    CLOCK
    + """
return {now, redis.call('ZREVRANGE', KEYS[1], 0, -1)}
"""
)

# ARGV: until when (the person may have spoken again meanwhile); the mark, and how long it stays
_FORGET_TRACES = """
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
"""

_FORGOTTEN_AT = "return redis.call('GET', KEYS[2]) or 0"


# ARGV: conversation, ttl ms, how many are kept
_NOTE_PRIVATE = (
    CLOCK
    + """
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -(ARGV[3] + 1))
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
)

# ARGV: how many
_PRIVATE = "return redis.call('ZREVRANGE', KEYS[1], 0, ARGV[1] - 1)"

# ARGV: conversation
_FORGET_PRIVATE = "return redis.call('ZREM', KEYS[1], ARGV[1])"


@dataclass(frozen=True, slots=True)
class Remembered:
    """One person's messages in one conversation; times in seconds since 1970, where known."""

    conversation: str
    messages: int
    oldest: int | None
    newest: int | None


@dataclass(frozen=True, slots=True)
class Overview:
    """How much is kept of a person; conversations with the latest message first."""

    conversations: tuple[Remembered, ...]
    feedback: int
    quoted: int = 0
    """Messages kept with others' opinions."""
    votes: int = 0

    @property
    def messages(self) -> int:
        return sum(one.messages for one in self.conversations)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How much of a person was forgotten."""

    messages: int
    feedback: int
    quoted: int = 0
    votes: int = 0


class People:
    """A person's power over what is remembered of them."""

    def __init__(
        self, store: Store, memory: Memory, feedback: Feedback, votes: Votes, *, ttl_s: float
    ) -> None:
        """`ttl_s` is memory's."""
        self._store = store
        self._memory = memory
        self._feedback = feedback
        self._votes = votes
        self._ttl_ms = int(ttl_s * 1000)

    def trace(self, author_id: str, conversation: str) -> Ask[int]:
        """Note that this person speaks in this conversation; answers with their mark (below)."""
        return Ask(_TRACE, _key(author_id), (conversation, self._ttl_ms), int)

    def traces(self, said: Incoming) -> tuple[Ask[int], ...]:
        """The author's trace; of a private conversation also that it takes place, so that what
        was said there during an outage can be found (platforms list no such conversations)."""
        trace = self.trace(said.author_id, said.conversation)
        if said.server is not None:
            return (trace,)
        args = (said.conversation, self._ttl_ms, PRIVATE_TALKS_KEPT)
        return trace, Ask(_NOTE_PRIVATE, _private_key(said.conversation), args, int)

    async def private_talks(self, platform: str, most: int) -> list[str]:
        """The latest private conversations on a platform ("discord"), latest first."""
        return await self._store.ask(Ask(_PRIVATE, _private_key(platform), (most,), list))

    def forgotten_at(self, author_id: str) -> Ask[int]:
        """When this person was last forgotten, in ms by the platform's clock; 0 for never.

        What they said before may still be seen on a platform, but is not looked at any more.
        """
        return Ask(_FORGOTTEN_AT, _key(author_id), (), int)

    async def show(self, author_id: str) -> Overview:
        """What is remembered of a person, in figures."""
        found = [_remembered(place, said) async for place, said in self._said(author_id)]
        about = await self._feedback.about(author_id)
        given = _given(author_id, about)
        quoted = [turn for one in about if one not in given for turn in _own(author_id, one)]
        votes = await self._votes.cast_by(author_id)
        return Overview(tuple(found), len(given), len(quoted), len(votes))

    async def forget(self, author_id: str, at_ms: int | None = None) -> Forgotten:
        """Forget all that a person said and thought; what they say from now on is kept again.
        "Now" is the platform's where it tells.

        What personas answered them stays, and how often they asked lately (the limits).
        """
        until, conversations = await self._traces(author_id)
        messages = 0
        for first in range(0, len(conversations), CONVERSATIONS_AT_ONCE):
            some = conversations[first : first + CONVERSATIONS_AT_ONCE]
            asks = [self._memory.forget_author(place, author_id) for place in some]
            asks += [
                Ask(_FORGET_PRIVATE, _private_key(place), (place,), lambda _: 0) for place in some
            ]
            messages += sum(await self._store.ask_all(*asks))
        feedback, quoted = await self._feedback.forget(author_id)
        votes = await self._votes.forget(author_id)
        mark = until if at_ms is None else at_ms
        args = (until, mark, 2 * self._ttl_ms)
        await self._store.ask(Ask(_FORGET_TRACES, _key(author_id), args, int))
        return Forgotten(messages, feedback, quoted, votes)

    async def export(self, author_id: str) -> dict[str, Any]:
        """All of it, ready for JSON: what they said, what they thought, when they voted."""
        about = await self._feedback.about(author_id)
        return {
            "author_id": author_id,
            "messages": [
                {"conversation": place, **_exported(turn)}
                async for place, said in self._said(author_id)
                for turn in said
            ],
            "feedback": [_exported_opinion(one) for one in _given(author_id, about)],
            "kept_with_feedback": [
                {"conversation": one.conversation, **_exported(turn)}
                for one in about
                for turn in _own(author_id, one)
            ],
            "voted_at": await self._votes.cast_by(author_id),
        }

    async def _said(self, author_id: str) -> AsyncIterator[tuple[str, list[Turn]]]:
        """Conversations in which something of the person is remembered, and what."""
        _, conversations = await self._traces(author_id)
        for first in range(0, len(conversations), CONVERSATIONS_AT_ONCE):
            some = conversations[first : first + CONVERSATIONS_AT_ONCE]
            asks = [self._memory.said_by(place, author_id) for place in some]
            for place, said in zip(some, await self._store.ask_all(*asks), strict=True):
                if said:
                    yield place, said

    async def _traces(self, author_id: str) -> tuple[int, list[str]]:
        """The time on Redis's clock, and where the person spoke, latest first."""
        until, conversations = await self._store.ask(Ask(_TRACES, _key(author_id), (), list))
        return until, conversations


def _key(author_id: str) -> tuple[str, str]:
    person = f"understudy:person:{{{author_id}}}"
    return f"{person}:conversations", f"{person}:forgotten"


def _private_key(conversation: str) -> tuple[str]:
    """Of a conversation, or of the platform with which its name begins."""
    return (f"understudy:private:{{{conversation.partition(':')[0]}}}",)


def _remembered(conversation: str, said: list[Turn]) -> Remembered:
    times = [turn.at for turn in said if turn.at is not None]
    return Remembered(conversation, len(said), min(times, default=None), max(times, default=None))


def _given(author_id: str, opinions: list[Opinion]) -> list[Opinion]:
    return [one for one in opinions if one.author_id == author_id]


def _own(author_id: str, opinion: Opinion) -> list[Turn]:
    """A person's own words among those that are kept with an opinion."""
    said = opinion.answered
    turns = (*said.context, said.question) if said.question else said.context
    return [turn for turn in turns if turn.author_id == author_id]


def _exported(turn: Turn) -> dict[str, Any]:
    return {"message_id": turn.message_id, "at": turn.at, "text": turn.text}


def _exported_opinion(opinion: Opinion) -> dict[str, Any]:
    """Without what others said before the answer."""
    return {
        "conversation": opinion.conversation,
        "at": opinion.at,
        "verdict": opinion.verdict,
        "remark": opinion.remark,
        "persona": opinion.answered.persona,
        "version": opinion.answered.version,
        "answer": opinion.answered.answer.text,
    }
