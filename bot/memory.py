"""What a conversation remembers: its last turns, by message and author.

Knows Redis's keys for one conversation and who may answer next in it; knows no prompt, no model
and no platform.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from time import time
from typing import Any

from . import finding_scripts, scripts
from .errors import MemoryGone, UnderstudyError
from .exchanges import Exchange, exchange_in
from .messages import Incoming, as_remembered
from .store import Ask, Store, as_it_is, flat
from .turns import PERSONA, from_json, to_json
from .turns import Turn as Turn
from .turns import persona_author as persona_author

log = logging.getLogger(__name__)

ANSWERED_IDS_KEPT = 1000


def new_token() -> str:
    """What tells a claim from others of the same message."""
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to answer one message; other processes see it until its lease runs out."""

    incoming: Incoming
    token: str = field(default_factory=new_token)
    press: str = ""
    """The id of what asked for another answer to it; "" for the first one."""

    @property
    def author(self) -> str:
        """Whose turn it is in a burst: what is asked for anew is nobody's next message."""
        return f"{self.incoming.author_id} {self.press}".rstrip()

    def named(self, answer: Turn | None) -> Turn | None:
        """The answer with an id of its own among the answers to this message."""
        if answer is None or not self.press:
            return answer
        return replace(answer, message_id=f"{answer.message_id}:{self.press}")


@dataclass(frozen=True, slots=True)
class Recalled:
    """What was said up to a message, oldest first and that message last."""

    window: tuple[Turn, ...]
    reset_at_ms: int = 0
    """Nothing that was said here up to then is known any more."""


@dataclass(frozen=True, slots=True)
class Admission:
    """How a message was received: a duplicate, or claimed; with the floor at once, or in line."""

    duplicate: bool = False
    again: bool = False
    """Somebody claimed it before and never finished."""
    recalled: Recalled | None = None
    """None: another message of the conversation is being answered first."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that is remembered, and what led to it."""

    context: tuple[Turn, ...]
    """What was said before the question, oldest first."""
    question: Turn | None
    """None: it was deleted since."""
    answer: Turn

    @property
    def persona(self) -> str:
        return self.answer.author_id.removeprefix(PERSONA)

    @property
    def version(self) -> str | None:
        return self.answer.version


class Lost(Exception):
    """The claim ran out and somebody else has the message now."""


class Memory:
    """The turns and claims of every conversation, in Redis."""

    def __init__(self, store: Store, *, keep: int, ttl_s: float, lease_s: float = 30) -> None:
        """`keep` turns a conversation; each is forgotten `ttl_s` seconds after it was said, or,
        where others go on speaking, with the next message after that."""
        self._store = store
        self._keep = keep
        self._ttl_ms = int(ttl_s * 1000)
        self._lease_s = lease_s

    def claim(self, claim: Claim) -> Ask[Admission]:
        """Claim a message, append it, and recall the window when it has the floor."""
        said = claim.incoming
        turn = Turn(said.message_id, said.author_id, said.author_name, said.text)
        bounds = (self._lease_ms, self._keep, self._ttl_ms)
        args = (said.message_id, claim.token, *bounds, to_json(turn))
        return Ask(scripts.CLAIM, _keys(said.conversation), args, lambda r: _admission(r, claim))

    async def unanswered(
        self, conversation: str, message_ids: Sequence[str]
    ) -> dict[str, float | None]:
        """Those of these messages that were never answered; each with the seconds for which
        somebody may still be at it (0: gone in the middle), None where nobody ever was."""
        args = tuple(message_ids)
        states = await self._store.ask(Ask(scripts.UNANSWERED, _keys(conversation), args, as_it_is))
        both = zip(message_ids, states, strict=True)
        return {id_: (ms - 1) / 1000 if ms else None for id_, ms in both if ms >= 0}

    def take(self, claim: Claim) -> Ask[Recalled | None]:
        """The window, when it is this message's turn now; else None. Reading it may raise Lost."""
        args = (claim.incoming.message_id, claim.token, self._ttl_ms)
        return Ask(
            scripts.TAKE, _keys(claim.incoming.conversation), args, lambda r: _taken(r, claim)
        )

    async def finish(
        self,
        claim: Claim,
        answer: Turn | None = None,
        counts: Mapping[str, str] | None = None,
        *,
        shown_as: Sequence[str] = (),
        forget_question: bool = False,
        also: Sequence[Ask[Any]] = (),
    ) -> None:
        """Append the answer, keep the token counts, mark the message answered, free the floor.

        `shown_as` are the platform's ids of the answer, by which it is found later; `also` goes
        along on the same round trip.
        """
        finishing = self.finishing(
            claim, answer, counts, shown_as=shown_as, forget_question=forget_question
        )
        await self._store.ask_all(finishing, *also)

    def finishing(
        self,
        claim: Claim,
        answer: Turn | None = None,
        counts: Mapping[str, str] | None = None,
        *,
        shown_as: Sequence[str] = (),
        forget_question: bool = False,
    ) -> Ask[int]:
        """`finish`, to be asked with other things in one trip."""
        args: tuple[str | int, ...] = (
            claim.incoming.message_id,
            claim.token,
            self._keep,
            self._ttl_ms,
            ANSWERED_IDS_KEPT,
            int(forget_question),
            answer.message_id if answer else "",
            to_json(answer) if answer else "",
            len(shown_as),
            *shown_as,
            *flat(counts or {}),
        )
        return Ask(scripts.FINISH, _keys(claim.incoming.conversation), args, int)

    async def edit(self, conversation: str, message_id: str, text: str) -> bool:
        """Change what a message or an answer says; False where it is not remembered.

        Both here and below a platform's id of an answer (or of a part of it) means the answer.
        """
        args = (message_id, as_remembered(text))
        return await self._store.ask(Ask(finding_scripts.EDIT, _keys(conversation), args, bool))

    async def delete(self, conversation: str, message_ids: Iterable[str]) -> int:
        """Forget single messages and answers; how many of them were remembered."""
        args = tuple(message_ids)
        return await self._store.ask(Ask(finding_scripts.DELETE, _keys(conversation), args, int))

    async def turn(self, conversation: str, platform_message_id: str) -> Answered | None:
        """The answer that a platform shows under this id, while it is remembered."""
        ask = Ask(finding_scripts.ANSWERED, _keys(conversation), (platform_message_id,), _answered)
        return await self._store.ask(ask)

    async def exchange(self, conversation: str, shown_id: str) -> Exchange:
        """The question and all answers of which a platform shows one, or a failure, under this id.

        Raises NotRemembered.
        """
        ask = Ask(finding_scripts.EXCHANGE, _keys(conversation), (shown_id,), exchange_in)
        found = await self._store.ask(ask)
        if isinstance(found, UnderstudyError):
            raise found
        return found

    def reclaim(
        self, conversation: str, shown_id: str, token: str
    ) -> Ask[Exchange | UnderstudyError]:
        """`exchange`, and claim its question anew: else NotRemembered or AnsweringAlready."""
        args = (shown_id, token, self._lease_ms, self._ttl_ms)
        return Ask(finding_scripts.EXCHANGE, _keys(conversation), args, exchange_in)

    def said_by(self, conversation: str, author_id: str) -> Ask[list[Turn]]:
        """What one author said here, oldest first."""
        return Ask(finding_scripts.SAID_BY, _keys(conversation), (author_id,), _turns)

    def forget_author(self, conversation: str, author_id: str) -> Ask[int]:
        """Forget what one author said here; says how many messages that were."""
        return Ask(finding_scripts.FORGET_AUTHOR, _keys(conversation), (author_id,), int)

    @asynccontextmanager
    async def kept(self, claim: Claim) -> AsyncIterator[None]:
        """Keep a claim alive for as long as its message is waited for or answered."""
        renewing = asyncio.create_task(self._renew(claim))
        try:
            yield
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing

    async def reset(self, conversation: str, at_ms: int | None = None) -> None:
        """Forget what was said here up to now, by the platform's clock where it tells."""
        args = (int(time() * 1000) if at_ms is None else at_ms, self._ttl_ms)
        await self._store.ask(Ask(finding_scripts.FORGET, _keys(conversation), args, int))

    @property
    def _lease_ms(self) -> int:
        return int(self._lease_s * 1000)

    async def _renew(self, claim: Claim) -> None:
        args = (claim.incoming.message_id, claim.token, self._lease_ms)
        ask = Ask(scripts.RENEW, _keys(claim.incoming.conversation), args, int)
        while True:
            await asyncio.sleep(self._lease_s / 3)
            try:
                await self._store.ask(ask)
            except MemoryGone:
                log.warning("a claim could not be renewed; its lease may run out")


def _keys(conversation: str) -> tuple[str, ...]:
    return tuple(f"understudy:conversation:{{{conversation}}}:{key}" for key in scripts.KEYS)


def _turns(rows: Sequence[str]) -> list[Turn]:
    threes = zip(rows[::3], rows[1::3], rows[2::3], strict=True)
    return [from_json(id_, said, tokens) for id_, said, tokens in threes if said]


def _admission(reply: Sequence[str], claim: Claim) -> Admission:
    if reply[0] == "duplicate":
        return Admission(duplicate=True)
    return Admission(again=reply[0] == "again", recalled=_recalled(reply[1:], claim))


def _taken(reply: Sequence[str], claim: Claim) -> Recalled | None:
    if reply[0] == "lost":
        raise Lost(claim.incoming.message_id)
    return _recalled(reply, claim)


def _recalled(reply: Sequence[str], claim: Claim) -> Recalled | None:
    if reply[0] == "wait":
        return None
    window = _turns(reply[2:])
    asked = claim.incoming
    if not window or window[-1].message_id != asked.message_id:  # reset or pushed out meanwhile
        window.append(Turn(asked.message_id, asked.author_id, asked.author_name, asked.text))
    return Recalled(tuple(window), int(reply[1]))


def _answered(reply: Sequence[str]) -> Answered | None:
    if not reply:
        return None
    *before, answer = _turns(reply[1:])
    asked = before.pop() if before and before[-1].message_id == reply[0] else None
    return Answered(tuple(before), asked, answer)
