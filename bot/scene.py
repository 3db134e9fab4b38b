"""Personas talk with each other about a topic, one line after the other, and people join in.

Knows whose turn it is and when a scene ends; where its lines appear is a `Stage`'s affair.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Protocol

from .asking import Asking, Leave
from .cards import Persona
from .errors import ModelBusy, OverLimit, StoppingNow, UnderstudyError
from .messages import Incoming
from .noting import Noting
from .turns import PERSONA, Turn, persona_author
from .voice import Speech

log = logging.getLogger(__name__)

TURNS_MAX = 20
LINES_KEPT = 64
FAILURES_MAX = 2
"""So often one persona may fail."""
FAILURE_PAUSE_SECONDS = 2.0
BUSY_PAUSE_SECONDS = 5.0
BUSY_MAX = 24
"""So often in a row a scene comes back to a model without room: for two minutes and more."""

READ_CHARS_PER_SECOND = 25
SHORTEST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 8.0

OVER = "The scene is over."
REPEATING = "They begin to repeat themselves: the scene ends here."
STOPPING = f"The scene ends here. {StoppingNow.spoken}"
FORGOTTEN = "The scene ends here: what it is about was to be forgotten."
SPENT = "The scene ends here: it used up the tokens that a scene may use."


class Stage(Protocol):
    """Where a scene is played. Raises UnderstudyError where nothing can appear any more."""

    def typing(self) -> AbstractAsyncContextManager[None]:
        """Show, as long as the block runs, that somebody is about to speak."""

    async def say(self, persona: Persona, text: str) -> str:
        """One line of a persona; the platform's id of the message that shows it."""

    async def tell(self, text: str) -> None:
        """What nobody in the scene says: how it ends."""


def time_to_read(text: str) -> float:
    """How long people take, in seconds, before the next line may come."""
    wanted = len(text) / READ_CHARS_PER_SECOND
    return min(max(wanted, SHORTEST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)


class Scene:
    """One scene, from its topic to its end."""

    def __init__(
        self,
        asking: Asking,
        noting: Noting,
        said: Incoming,
        cast: Sequence[Persona],
        turns: int,
        tokens_max: int,
        pause_s: Callable[[str], float],
    ) -> None:
        """`said` is the topic, in the words and on the account of who starts the scene."""
        self.id = secrets.token_urlsafe(9)
        self.said = said
        self.cast = tuple(cast)
        self._asking = asking
        self._noting = noting
        self._turns = turns
        self._turns_said = 0
        self._tokens_left = tokens_max
        self._pause_s = pause_s
        self._topic = Turn(said.message_id, said.author_id, said.author_name, said.text)
        self._lines: list[Turn] = []
        self._spoken: list[str] = []
        """What personas said, so that it is noticed when they go round in circles."""
        self._latest: Persona | None = None
        self._failures: dict[str, int] = {}
        self._busy = 0
        self._leave: Leave | None = None
        self._ending: str | None = None
        self._scope: asyncio.Timeout | None = None

    async def admit(self) -> None:
        """Count the next line for who started the scene. Raises what Asking.admit raises."""
        self._leave = await self._asking.admit(self.said)

    def hear(self, turn: Turn) -> None:
        """A person joins in; the personas know of it from their next line on."""
        if all(turn.message_id != line.message_id for line in self._lines):  # delivered once more
            self._note(turn)

    def edit(self, message_id: str, text: str) -> None:
        """A line reads otherwise now."""
        self._lines = [
            replace(line, text=text) if line.message_id == message_id else line
            for line in self._lines
        ]

    def forget(self, which: Callable[[Turn], bool]) -> None:
        """Such lines are not known any more; without its topic a scene is at its end."""
        self._lines = [line for line in self._lines if not which(line)]
        if which(self._topic):
            self.stop(FORGOTTEN)

    def stop(self, why: str) -> None:
        """End it at once, with what was said until now; `why` is a sentence for all."""
        if self._ending is not None:
            return
        self._ending = why
        if self._scope is not None:
            self._scope.reschedule(asyncio.get_running_loop().time())

    async def play(self, stage: Stage) -> None:
        """Every line up to the end; returns when that has been told."""
        with self._asking.under_way(lambda: self.stop(STOPPING)):
            await self._noting.note(self.said)
            try:
                while self._ending is None:
                    await self._go_on(stage)
                await stage.tell(self._ending)
            except UnderstudyError as error:
                log.warning("a scene broke off: %s", error)

    async def _go_on(self, stage: Stage) -> None:
        """One line, or an attempt at one; the pause after it, and leave for the next."""
        assert self._leave is not None, "a scene is admitted before it is played"
        persona, leave = self._next(), self._leave
        speech = await self._speak(persona, leave, stage)
        self._tokens_left -= speech.tokens
        if text := speech.text.strip():
            await self._say(persona, text, speech, stage)
        if speech.failure is not None:
            self._failed(persona, speech.failure)
        else:
            self._busy = 0
        if self._turns_said >= self._turns_max(leave):
            self._end(OVER)
        elif self._tokens_left <= 0:
            self._end(SPENT)
        await self._pause(self._pause_after(text, speech.failure))
        if text:
            await self._count()

    async def _speak(self, persona: Persona, leave: Leave, stage: Stage) -> Speech:
        speech = Speech()
        others = [other.display_name for other in self.cast if other is not persona]
        async with self._interruptible(), stage.typing():
            window = self._window(persona)
            await self._asking.speak(leave, persona, window, speech, others=others)
        return speech

    async def _say(self, persona: Persona, text: str, speech: Speech, stage: Stage) -> None:
        self._spoken.append(" ".join(text.casefold().split()))
        if in_circles(self._spoken, len(self.cast)):
            self._end(REPEATING)
            return
        author, name = persona_author(persona.name), persona.display_name
        self._note(Turn(secrets.token_hex(8), author, name, text, version=speech.version))
        self._latest = persona
        self._turns_said += 1
        shown = await stage.say(persona, text if speech.failure is None else f"{text} …")
        await self._noting.note(Incoming(self.said.conversation, shown, author, name, text))

    def _failed(self, persona: Persona, failure: UnderstudyError) -> None:
        if isinstance(failure, ModelBusy) and self._busy < BUSY_MAX:
            self._busy += 1
            return
        self._failures[persona.name] = self._failures.get(persona.name, 0) + 1
        if self._failures[persona.name] >= FAILURES_MAX or isinstance(failure, ModelBusy):
            name = persona.display_name
            self._end(f"The scene ends here, {name} can't go on: {failure.spoken}")

    async def _count(self) -> None:
        if self._ending is not None:
            return
        try:
            await self.admit()
        except OverLimit as error:
            who = self.said.author_name
            self._end(f"The scene ends here, on {who}'s account. {error.spoken}")
        except UnderstudyError as error:
            self._end(f"The scene ends here. {error.spoken}")

    def _pause_after(self, text: str, failure: UnderstudyError | None) -> float:
        if text:
            return self._pause_s(text)
        return BUSY_PAUSE_SECONDS if isinstance(failure, ModelBusy) else FAILURE_PAUSE_SECONDS

    async def _pause(self, seconds: float) -> None:
        async with self._interruptible():
            await asyncio.sleep(seconds)

    @asynccontextmanager
    async def _interruptible(self) -> AsyncIterator[None]:
        """`stop` ends the block early; a block that begins after it ends at once."""
        try:
            async with asyncio.timeout(None if self._ending is None else 0) as self._scope:
                yield
        except TimeoutError:
            if self._ending is None:
                raise
        finally:
            self._scope = None

    def _turns_max(self, leave: Leave) -> int:
        """What was asked for, within an administrator's bound."""
        return min(self._turns, leave.bounds.scene_turns_max or TURNS_MAX)

    def _next(self) -> Persona:
        """In turn; but whom a person names answers that person."""
        if self._latest is None:
            return self.cast[0]
        if self._lines and not self._lines[-1].author_id.startswith(PERSONA):
            named = (one for one in self.cast if _names(self._lines[-1].text, one))
            if (addressed := next(named, None)) is not None:
                return addressed
        return self.cast[(self.cast.index(self._latest) + 1) % len(self.cast)]

    def _window(self, persona: Persona) -> list[Turn]:
        """The topic stays, however long they talk."""
        room = persona.prompt_format.window_messages - 1
        return [self._topic, *self._lines[-room:]] if room else self._lines[-1:] or [self._topic]

    def _note(self, turn: Turn) -> None:
        self._lines.append(turn)
        del self._lines[:-LINES_KEPT]

    def _end(self, why: str) -> None:
        if self._ending is None:
            self._ending = why


def in_circles(spoken: Sequence[str], cast: int) -> bool:
    """Whether the last lines are those before them once more: one line, or a whole round."""
    return any(spoken[-n:] == spoken[-2 * n : -n] for n in range(1, cast + 1))


def _names(text: str, persona: Persona) -> bool:
    name = re.escape(persona.display_name)
    return re.search(rf"(?<!\w){name}(?!\w)", text, re.IGNORECASE) is not None
