"""A persona speaking: a window becomes a prompt, the prompt a stream of growing drafts.

All answers of a process are spoken here, so here they pass the gate. Knows no store and no
platform; `conversation` remembers what was said.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from time import monotonic

from .around import Picture
from .budget import BYTES_PER_TOKEN, PICTURE_TOKENS, Budget, Prompt
from .cards import Persona
from .errors import ModelSpeechless, UnderstudyError
from .gate import Gate
from .memory import Turn, persona_author
from .model import Model, Question, Usage
from .pacing import drafts
from .prompt import label
from .speech import own_words


@dataclass(slots=True)
class Speech:
    """What has been said so far, whatever becomes of the rest."""

    text: str = ""
    persona: Persona | None = None
    failure: UnderstudyError | None = None
    counts: dict[str, str] = field(default_factory=dict)
    """Token counts made on the way, to be stored with their messages."""
    prompt: Prompt | None = None
    usage: Usage = field(default_factory=Usage)

    def shown(self) -> str:
        """What the person reads in the end: what was said, and why there is no more of it."""
        if self.failure is None:
            return self.text
        if not self.text:
            return self.failure.spoken
        return f"{self.text.rstrip()} …\n({self.failure.spoken})"

    @property
    def tokens(self) -> int:
        """What prompt and answer cost: as the server counted, else estimated; 0 for no answer."""
        if self.usage.tokens is not None:
            return self.usage.tokens
        if self.prompt is None or not self.text:
            return 0
        texts = [self.text, *(message["content"] for message in self.prompt.messages)]
        looked_at = len(self.prompt.pictures) * PICTURE_TOKENS
        return sum(len(text.encode()) for text in texts) // BYTES_PER_TOKEN + 1 + looked_at

    def answer_to(self, message_id: str) -> Turn | None:
        """The turn to remember, None where nothing was said."""
        if self.persona is None or not (text := self.text.strip()):
            return None
        author = persona_author(self.persona.name)
        name = self.persona.display_name
        return Turn(f"{message_id}:answer", author, name, text, version=self.version)

    @property
    def version(self) -> str | None:
        """Which version of the persona speaks, as soon as the server says so."""
        return self.usage.version


async def unseen(_: int | str) -> None:
    """Nobody looks on."""


class Voice:
    """Speaks as a persona, in drafts that come `every_s` seconds at most."""

    def __init__(
        self,
        budget: Budget,
        model: Model,
        gate: Gate,
        every_s: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """`gate` bounds how many speak at once."""
        self._budget = budget
        self._model = model
        self._gate = gate
        self._every_s = every_s
        self._clock = clock

    async def speak(
        self,
        persona: Persona,
        window: Sequence[Turn],
        speech: Speech,
        waiting: Callable[[int], Awaitable[None]] = unseen,
        pictures: Sequence[Picture] = (),
        *,
        others: Sequence[str] = (),
    ) -> AsyncGenerator[str]:
        """Growing drafts of the answer to the window's last turn, which `pictures` belong to;
        `speech` has every word of it.

        No draft is empty or ends with space, so each one begins with the one before. Until then
        `waiting` is told how many are before this answer; 0, when the model's server itself asks
        for a pause. The persona speaks for none of `others` either, who are there and said nothing
        yet.

        Raises a ModelError, before or after some drafts.
        """
        async with self._gate.place(waiting):
            words = self._words(persona, window, speech, lambda: waiting(0), pictures, others)
            async with aclosing(drafts(words, self._every_s, self._clock)) as growing:
                async for text in growing:
                    if text := text.rstrip():
                        yield text
        speech.text = speech.text.rstrip()
        if not speech.text:
            raise ModelSpeechless("nothing of the answer was the persona's own")

    async def _words(
        self,
        persona: Persona,
        window: Sequence[Turn],
        speech: Speech,
        busy: Callable[[], Awaitable[None]],
        pictures: Sequence[Picture],
        others: Sequence[str],
    ) -> AsyncGenerator[str]:
        """The persona's own words, each kept in `speech`."""
        speech.persona = persona
        prompt = await self._budget.prompt(persona, window, pictures, others=others)
        speech.prompt, speech.counts = prompt, prompt.counts
        question = Question(
            persona.served_as,
            prompt.messages,
            prompt.stops,
            prompt.max_tokens,
            persona.sampling,
            prompt.pictures,
        )
        own_label = label(persona.prompt_format, persona.display_name, "").rstrip()
        deltas = self._model.stream(question, speech.usage, busy)
        async with aclosing(own_words(deltas, prompt.stops, own_label)) as words:
            async for delta in words:
                speech.text += delta
                yield delta
