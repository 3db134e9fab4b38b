"""A run of messages that follow each other in an export, as far as it is in memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from .doubles import Said


@dataclass(slots=True)
class Stretch:
    conversation: int
    number: int
    first: int
    last: int
    """The latest second; `at` is the one read last."""
    at: int
    steps: int = 0
    """Forward less backward."""
    piece: list[Said] = field(default_factory=list)
    counts: Counter[int] = field(default_factory=Counter)

    def plain(self) -> tuple[Any, ...]:
        return (
            self.conversation, self.number, self.first, self.last, self.at, self.steps,
            list(self.piece), dict(self.counts),
        )  # fmt: skip

    @classmethod
    def of(cls, plain: tuple[Any, ...]) -> Stretch:
        conversation, number, first, last, at, steps, piece, counts = plain
        return cls(conversation, number, first, last, at, steps, piece, Counter(counts))
