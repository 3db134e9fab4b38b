"""Turns the messages of one import into the persona's rows: split by time, cut, render."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from adapters.privacy import Privacy

from .clean import Cleaning
from .conversations import Window
from .people import Voice, called, numbering
from .render import Turn, render
from .report import Person
from .scratch import Scratch
from .shape import USUAL, Shape, one_message
from .sides import Sides
from .store import Row, Rows, encoded

AT = b', "at": '
"""Before a row's time, with which begins what does not make it another one."""
PLACEHOLDER = ("someone", "[message of someone else]")


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
    beyond_budget: int = 0
    """Rows that were not chosen to learn from."""
    people: list[Person] = field(default_factory=list)
    """Who speaks in the rows."""


def build(
    scratch: Scratch,
    voice: Voice,
    rows: Rows,
    cleaning: Cleaning,
    privacy: Privacy,
    shape: Shape = USUAL,
) -> Built:
    """Writes the rows as they come; `cleaning` learns what was left out, `privacy` replaced."""
    built = Built()
    sides = Sides(scratch, voice, cleaning, shape)
    render_row = _renderer(scratch, voice, privacy, built.people)
    for held_out, part, side in (
        (True, built.held_out, sides.held_out()),
        (False, built.train, sides.train()),
    ):
        for window in side:
            line = encoded(render_row(window))
            if not scratch.is_new_row(line[: line.rindex(AT)]):
                cleaning.dropped["duplicate rows"] += 1
                continue
            rows.add(line, held_out=held_out)
            part.rows += 1
            part.messages += window.mine
    built.sessions, built.beyond_budget = scratch.session_count, sides.beyond_budget
    return built


def _renderer(
    scratch: Scratch, voice: Voice, privacy: Privacy, people: list[Person]
) -> Callable[[Window], Row]:
    others, labels = voice.others, called(scratch.speakers, voice, privacy.label)
    number_of = numbering(scratch.speakers, voice.speakers, labels, people)
    names = [None if number in voice.speakers else label for number, label in enumerate(labels)]
    # The window is cut already, perhaps around an answer longer than the layout's own.
    whole = voice.layout.model_copy(update={"window_messages": sys.maxsize})

    def turn_of(speaker: int, text: str) -> Turn:
        if speaker in others.placeholders:
            return PLACEHOLDER
        said = privacy.veil(text)
        mine = names[speaker] is None
        return names[speaker], one_message(said, whole.burst_separator) if mine else said

    def turns(window: Window) -> Iterator[Turn]:
        before: Turn | None = None
        for _, speaker, text, _ in window.said:
            turn = turn_of(speaker, text)
            if turn != before or turn is not PLACEHOLDER:
                yield turn
            before = turn

    def row(window: Window) -> Row:
        messages = render(whole, voice.system_prompt, voice.display_name, list(turns(window)))
        said = Counter(one[1] for one in window.said if one[1] not in others.placeholders)
        speakers: Counter[str] = Counter()
        for speaker, count in said.items():
            speakers[str(number_of(speaker))] += count
        at = scratch.moment(window.said[0][0]).isoformat()
        return {"messages": messages, "at": at, "speakers": dict(speakers)}

    return row
