"""One remembered message, and how it is written down."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

PERSONA = "persona:"


@dataclass(frozen=True, slots=True)
class Turn:
    """One remembered message. A persona's author id is "persona:<name>"."""

    message_id: str
    author_id: str
    author_name: str
    text: str
    tokens: str = ""
    """Its token count as it was stored, "" where nobody counted."""
    version: str | None = None
    """Which version of the persona said it ("maya@3", "base"), where the server told."""
    at: int | None = field(default=None, compare=False)
    """When it was stored, in seconds since 1970; None for what is not stored yet."""


def persona_author(name: str) -> str:
    return f"{PERSONA}{name}"


def to_json(turn: Turn) -> str:
    """Without its time, which is added where it is stored."""
    said = [turn.author_id, turn.author_name, turn.text, turn.version]
    return json.dumps(said, ensure_ascii=False)


def from_json(message_id: str, said: str, tokens: str = "") -> Turn:
    author_id, author_name, text, *more = json.loads(said)
    version, at = more or (None, None)
    return Turn(message_id, author_id, author_name, text, tokens, version, at)
