"""Turns the messages of one export into the persona's rows: clean, split by time, render."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.manifest import PromptFormat
from adapters.messages import Message

from .clean import cleaned
from .conversations import Session, sessions, split, windows
from .render import render
from .store import Row


@dataclass(frozen=True)
class Part:
    """One side of the split."""

    rows: list[Row]
    messages: int
    """Messages of the persona in them."""


@dataclass(frozen=True)
class Built:
    train: Part
    held_out: Part
    sessions: int
    cleaned: Counter[str]
    """Dropped messages (and, for "duplicate rows", rows) by rule."""


@dataclass(frozen=True)
class Voice:
    """Who the persona is, and how its conversations are laid out."""

    display_name: str
    speakers: frozenset[str]
    system_prompt: str
    layout: PromptFormat

    def speaks(self, message: Message) -> bool:
        return message.speaker in self.speakers


def build(messages: Sequence[Message], voice: Voice) -> Built:
    dropped: Counter[str] = Counter()
    talked = sessions(cleaned(messages, dropped))
    early, late = split(talked, voice.speaks)
    seen: set[str] = set()
    train = _part(early, voice, seen, dropped)
    held_out = _part(late, voice, seen, dropped)
    said = sum(map(voice.speaks, messages_of(talked)))
    opening = said - train.messages - held_out.messages - dropped.pop("in duplicate rows", 0)
    if opening:
        dropped["nobody had spoken before"] = opening
    return Built(train, held_out, len(talked), dropped)


def messages_of(talked: Sequence[Session]) -> list[Message]:
    return [message for session in talked for message in session]


def _part(talked: list[Session], voice: Voice, seen: set[str], dropped: Counter[str]) -> Part:
    rows: list[Row] = []
    count = 0
    for window in windows(talked, voice.speaks, voice.layout.window_messages):
        row, mine = _row(window, voice), sum(map(voice.speaks, window))
        key = repr(row["messages"])
        if key in seen:
            dropped["duplicate rows"] += 1
            dropped["in duplicate rows"] += mine
            continue
        seen.add(key)
        rows.append(row)
        count += mine
    return Part(rows, count)


def _row(window: list[Message], voice: Voice) -> Row:
    turns = [(None if voice.speaks(m) else m.speaker, m.text) for m in window]
    # The window is cut already, perhaps around an answer longer than the layout's own.
    whole = voice.layout.model_copy(update={"window_messages": max(1, len(turns))})
    messages = render(whole, voice.system_prompt, voice.display_name, turns)
    return {"messages": messages, "at": window[0].at.isoformat()}
