"""Turns the messages of one import into the persona's rows: split by time, cut, render."""

from __future__ import annotations

import sys
from collections.abc import Callable, Set
from dataclasses import dataclass, field

from adapters.manifest import PromptFormat

from .clean import Cleaning
from .conversations import HELD_OUT_SHARE, Window, windows
from .passages import READER, passages
from .render import render
from .scratch import Scratch
from .store import Row, Rows, encoded

AT = b', "at": '
"""Before a row's time, the last thing in it."""


@dataclass
class Part:
    """One side of the split."""

    rows: int = 0
    messages: int = 0
    """Messages of the persona in them."""


@dataclass
class Built:
    train: Part = field(default_factory=Part)
    held_out: Part = field(default_factory=Part)
    sessions: int = 0


@dataclass(frozen=True)
class Voice:
    """Who the persona is, and how its conversations are laid out."""

    display_name: str
    speakers: Set[int]
    """The numbers that the persona has in this export."""
    system_prompt: str
    layout: PromptFormat
    writing: bool = False
    """What the persona said are passages that nobody asked for."""


def build(scratch: Scratch, voice: Voice, rows: Rows, cleaning: Cleaning) -> Built:
    """Writes the rows as they come; `cleaning` learns what was left out."""
    built = Built()
    scratch.arrange(voice.speakers)
    late = scratch.held_out_from(HELD_OUT_SHARE)
    doubles = "duplicates" not in cleaning.active
    sessions = scratch.sessions(late, doubles=doubles)
    size = voice.layout.window_messages
    render_row = _renderer(scratch, voice)
    cut = windows(sessions, voice.speakers, size, cleaning.dropped)
    if voice.writing:
        cut = passages(sessions, voice.speakers, scratch.speakers)
    for window in cut:
        line = encoded(render_row(window))
        if not scratch.is_new_row(line[: line.rindex(AT)]):
            cleaning.dropped["duplicate rows"] += 1
            continue
        rows.add(line, held_out=window.session.held_out)
        part = built.held_out if window.session.held_out else built.train
        part.rows += 1
        part.messages += window.mine
    cleaning.took("duplicates", scratch.doubles.count, scratch.doubles.samples)
    built.sessions = scratch.session_count
    return built


def _renderer(scratch: Scratch, voice: Voice) -> Callable[[Window], Row]:
    names = [
        None if number in voice.speakers else speaker.name
        for number, speaker in enumerate(scratch.speakers)
    ]
    names.append(READER)  # whose number is -1
    # The window is cut already, perhaps around an answer longer than the layout's own.
    whole = voice.layout.model_copy(update={"window_messages": sys.maxsize})

    def row(window: Window) -> Row:
        turns = [(names[speaker], text) for _, speaker, text, _ in window.said]
        messages = render(whole, voice.system_prompt, voice.display_name, turns)
        return {"messages": messages, "at": scratch.moment(window.said[0][0]).isoformat()}

    return row
