"""Who speaks in an export, how much and when: what to give to --speaker."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from adapters.errors import BadExport
from adapters.messages import Message

MAX_SPEAKERS = 200_000


@dataclass(slots=True)
class Figures:
    """What one speaker said in one conversation; times as the export shows them."""

    name: str
    id: str
    conversation: str
    messages: int
    first: datetime
    last: datetime

    def as_json(self) -> dict[str, Any]:
        return {
            **asdict(self), "first": self.first.isoformat(), "last": self.last.isoformat(),
        }  # fmt: skip


def listed(messages: Iterable[Message]) -> list[Figures]:
    """By conversation, the most talkative first."""
    found: dict[tuple[str, str, str], Figures] = {}
    for message in messages:
        key = message.conversation, message.speaker_id, message.speaker
        at = message.at.replace(tzinfo=None)
        figures = found.get(key)
        if figures is None:
            if len(found) >= MAX_SPEAKERS:
                raise BadExport(f"more than {MAX_SPEAKERS:,} people speak in this export: no chat")
            found[key] = Figures(key[2], key[1], key[0], 1, at, at)
            continue
        figures.messages += 1
        if at < figures.first:
            figures.first = at
        elif at > figures.last:
            figures.last = at
    return sorted(found.values(), key=lambda one: (one.conversation, -one.messages, one.name))
