"""A row as a dialogue: what was asked and answered, by turns, as every trainer wants it.

Datasets are like that already; a held-out row that somebody edited may not be, and what could
not be learned from in it is left out here. Knows nothing of formats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.dataset.render import ChatMessage

BETWEEN = "\n"
"""Joins what one side says in several messages."""


@dataclass(frozen=True)
class Dialogue:
    number: int
    """Of the row in its file, from 1."""
    system: str
    exchanges: tuple[tuple[str, str], ...]
    """(what others said, what the persona answered); neither is ever empty."""

    @classmethod
    def of(cls, number: int, messages: Sequence[ChatMessage]) -> Dialogue:
        """Without answers to nobody, and without what nobody answered."""
        system: list[str] = []
        exchanges: list[tuple[list[str], list[str]]] = []
        for message in messages:
            role, text = message["role"], message["content"]
            if not text.strip():
                continue
            if role == "system":
                system.append(text)
            elif role == "user":
                if not exchanges or exchanges[-1][1]:
                    exchanges.append(([], []))
                exchanges[-1][0].append(text)
            elif role == "assistant" and exchanges:
                exchanges[-1][1].append(text)
        whole = tuple(
            (BETWEEN.join(asked), BETWEEN.join(answered))
            for asked, answered in exchanges
            if answered
        )
        return cls(number, BETWEEN.join(system), whole)
