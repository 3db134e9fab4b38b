"""A reply that keeps what it was shown."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field


@dataclass
class KeptReply:
    drafts: list[str] = field(default_factory=list)
    final: str | None = None
    worked: int = 0
    finishes: int = 0
    shown_as: tuple[str, ...] = ()
    first_draft: asyncio.Event = field(default_factory=asyncio.Event)

    async def working(self) -> None:
        self.worked += 1

    async def draft(self, text: str) -> None:
        self.drafts.append(text)
        self.first_draft.set()

    async def finish(self, text: str) -> None:
        self.finishes += 1
        self.final = text

    @property
    def silent(self) -> bool:
        return not self.worked and not self.drafts and not self.finishes
