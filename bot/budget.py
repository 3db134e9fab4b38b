"""How much of a conversation fits before the model: the newest turns within its context.

A turn's UTF-8 bytes bound its tokens, so nobody is asked to count while the bytes fit. Beyond
that the server counts each message once, and the count is stored with the message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .around import Picture
from .cards import Persona
from .inference import InferenceServer
from .keeping import keep
from .memory import Turn, persona_author
from .prompt import ChatMessage, Said, cut, cut_to_bytes, label, neutralise, render, stops

PROMPT_OVERHEAD_TOKENS = 32
"""What a template adds once: the beginning, a date line, the opening of the answer."""
MESSAGE_OVERHEAD_TOKENS = 8
"""What a template adds to each message: role, brackets, line ends."""
DEFAULT_CONTEXT_TOKENS = 4096
BYTES_PER_TOKEN = 3
"""An estimate on the safe side, for servers that do not count."""
COUNTED_MAX = 4096
"""So many counts are kept at hand."""
PICTURE_TOKENS = 800
"""What a picture is taken to cost; no server tells before it has looked at one."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model is asked, and the counts that were made for it (message id → stored form)."""

    messages: list[ChatMessage]
    stops: list[str]
    max_tokens: int
    counts: dict[str, str]
    pictures: tuple[Picture, ...] = ()
    """They belong to the last message."""


class Budget:
    """Fits a window into the context that is left beside the answer."""

    def __init__(self, server: InferenceServer, context_tokens: int | None = None) -> None:
        """`context_tokens` is used where the server does not tell its own."""
        self._server = server
        self._context_tokens = context_tokens or DEFAULT_CONTEXT_TOKENS
        self._counted: dict[tuple[str, int], int] = {}

    async def prompt(
        self,
        persona: Persona,
        window: Sequence[Turn],
        pictures: Sequence[Picture] = (),
        *,
        others: Sequence[str] = (),
    ) -> Prompt:
        """The newest turns of `window` that fit; a last one that is too long is cut, with a mark.

        The window is oldest first and ends with the message to answer; `others` are there, too.
        Pictures take half of the room at most; those that are too many are left out.
        """
        context = await self._server.context_tokens(persona.served_as) or self._context_tokens
        max_tokens = min(persona.sampling.max_tokens, context // 2)
        room = context - max_tokens - PROMPT_OVERHEAD_TOKENS
        shown = tuple(pictures[: room // 2 // PICTURE_TOKENS])
        room -= len(shown) * PICTURE_TOKENS
        turns = list(window[-persona.prompt_format.window_messages :])
        size = sum(_cost(turn, persona) for turn in turns)
        system, system_tokens = await self._system(persona, size, room)
        turns, counts = await self._fit(persona, turns, size, room - system_tokens)
        said = [_said(turn, persona) for turn in turns]
        layout, name = persona.prompt_format, persona.display_name
        messages = render(layout, system, name, said)
        return Prompt(messages, stops(layout, name, said, others), max_tokens, counts, shown)

    async def _system(self, persona: Persona, beside: int, room: int) -> tuple[str, int]:
        """The system prompt and a bound of its tokens; it never takes more than half the room.
        `beside` is the size of all else."""
        text = persona.system_prompt
        size = len(text.encode()) + MESSAGE_OVERHEAD_TOKENS if text else 0
        if size + beside <= room:
            return text, size
        counted = await self._count_once(persona, text, await self._tokenizer(persona))
        tokens = counted + MESSAGE_OVERHEAD_TOKENS
        if tokens <= room // 2:
            return text, tokens
        text = await self._cut(persona, text, tokens, room // 2 - MESSAGE_OVERHEAD_TOKENS)
        return text, room // 2

    async def _fit(
        self, persona: Persona, turns: list[Turn], size: int, room: int
    ) -> tuple[list[Turn], dict[str, str]]:
        """The newest turns that fit into `room` tokens, and what was counted anew."""
        if size <= room:
            return turns, {}
        tokenizer = await self._tokenizer(persona)
        tokens = await asyncio.gather(*(self._tokens(persona, turn, tokenizer) for turn in turns))
        sizes = list(zip(turns, tokens, strict=True))
        kept: list[Turn] = []
        for turn, count in reversed(sizes):
            frame = _frame(turn, persona)
            if count + frame > room and kept:
                break
            if count + frame > room:
                text = await self._cut(persona, neutralise(turn.text), count, room - frame)
                turn, count = replace(turn, text=text), room - frame
            kept.insert(0, turn)
            room -= count + frame
        stored = {turn.message_id: f"{count} {tokenizer}" for turn, count in sizes}
        return kept, {t.message_id: n for t in turns if (n := stored[t.message_id]) != t.tokens}

    async def _tokenizer(self, persona: Persona) -> str:
        """Whose counts these are: the base model's, which a server lists first."""
        models = await self._server.models()
        return models[0].name if models else persona.served_as

    async def _tokens(self, persona: Persona, turn: Turn, tokenizer: str) -> int:
        count, _, counted_by = turn.tokens.partition(" ")
        if count.isdigit() and counted_by == tokenizer:
            return int(count)
        return await self._count_once(persona, neutralise(turn.text), tokenizer)

    async def _count_once(self, persona: Persona, text: str, tokenizer: str) -> int:
        """Of system prompts, and what is only overheard, the counts are stored nowhere else."""
        key = (tokenizer, hash(text))
        if key not in self._counted:
            keep(self._counted, key, await self._count(persona, text), COUNTED_MAX)
        return self._counted[key]

    async def _count(self, persona: Persona, text: str) -> int:
        if not text:
            return 0
        tokens = await self._server.count_tokens(persona.served_as, text)
        return tokens if tokens is not None else len(text.encode()) // BYTES_PER_TOKEN + 1

    async def _cut(self, persona: Persona, text: str, tokens: int, room: int) -> str:
        """As much of a text as `room` tokens hold: by proportion, by bytes where that fails."""
        share = cut(text, int(len(text) * max(room, 0) / tokens * 0.9))
        if await self._count(persona, share) <= room:
            return share
        return cut_to_bytes(text, max(room, 0))


def _said(turn: Turn, persona: Persona) -> Said:
    own = turn.author_id == persona_author(persona.name)
    return (None if own else turn.author_name), turn.text


def _frame(turn: Turn, persona: Persona) -> int:
    speaker, _ = _said(turn, persona)
    if speaker is None:
        return MESSAGE_OVERHEAD_TOKENS
    before = label(persona.prompt_format, speaker, persona.display_name)
    return MESSAGE_OVERHEAD_TOKENS + len(before.encode())


def _cost(turn: Turn, persona: Persona) -> int:
    return len(neutralise(turn.text).encode()) + _frame(turn, persona)
