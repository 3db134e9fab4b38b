"""A reply that keeps what it was shown."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from bot.cards import Persona
from bot.errors import UnderstudyError


@dataclass
class KeptReply:
    drafts: list[str] = field(default_factory=list)
    final: str | None = None
    worked: int = 0
    speaker: str | None = None
    failure: UnderstudyError | None = None
    finishes: int = 0
    shown_as: tuple[str, ...] = ()
    waits: list[int] = field(default_factory=list)
    noticed: str | None = None
    notice_s: float = 0
    withdrawn: bool = False
    first_draft: asyncio.Event = field(default_factory=asyncio.Event)
    first_wait: asyncio.Event = field(default_factory=asyncio.Event)

    async def working(self, persona: Persona) -> None:
        self.worked += 1
        self.speaker = persona.name

    async def waiting(self, ahead: int) -> None:
        self.waits.append(ahead)
        self.first_wait.set()

    async def draft(self, text: str) -> None:
        self.drafts.append(text)
        self.first_draft.set()

    async def finish(self, text: str, failure: UnderstudyError | None = None) -> None:
        self.finishes += 1
        self.failure = failure
        self.final = text

    async def withdraw(self) -> None:
        self.withdrawn = True

    async def notice(self, text: str, for_s: float) -> None:
        self.noticed, self.notice_s = text, for_s

    @property
    def silent(self) -> bool:
        said = self.worked or self.drafts or self.finishes or self.waits
        return not said and self.noticed is None
