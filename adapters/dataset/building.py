"""Turns the messages of one import into the persona's rows: split by time, cut, render."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Set
from dataclasses import dataclass, field

from adapters.privacy import Privacy

from .clean import TESTED, Cleaning
from .conversations import Window
from .figures import Figures
from .passages import READER, READERS_NUMBER
from .people import SOMEONE, Voice, called, numbering
from .render import Turn, render
from .report import Person
from .scratch import Scratch
from .shape import USUAL, Shape, one_message
from .sides import Sides
from .store import Row, Rows, encoded
from .validation import Choice, Example

AT = b', "at": '
"""Before a row's time, with which begins what does not make it another one."""
PLACEHOLDER = (SOMEONE, "[message of someone else]")


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
    examples: list[Example] = field(default_factory=list)
    """Some of what is held out, for a person to read."""
    figures: Figures | None = None


def build(
    scratch: Scratch,
    voice: Voice,
    rows: Rows,
    cleaning: Cleaning,
    privacy: Privacy,
    shape: Shape = USUAL,
    tested: Set[str] = frozenset(),
) -> Built:
    """Writes the rows as they come; `cleaning` learns what was left out, `privacy` replaced.

    Nothing is learned that begins at a time of `tested`.
    """
    built, others = Built(), voice.others
    cleaning.unseen = others.placeholders | others.left_out
    sides = Sides(scratch, voice, cleaning, shape)
    turns_of, row_of = _renderer(scratch, voice, privacy, built.people)
    is_wanted = _wanted(scratch, cleaning, tested)
    choice = Choice(*sides.tested_span) if sides.tested_span else None

    def add(window: Window, part: Part, *, held_out: bool) -> None:
        turns = turns_of(window)
        row = row_of(window, turns)
        line = encoded(row)
        if not is_wanted(window, line, None if held_out else row["at"]):
            return
        rows.add(line, held_out=held_out)
        part.rows += 1
        part.messages += window.mine
        if held_out and choice:
            choice.offer(scratch.moment(window.said[0][0]), Example(row["at"], turns))

    for window in sides.held_out():
        add(window, built.held_out, held_out=True)
    for window in sides.train():
        add(window, built.train, held_out=False)
    if sides.counting:
        built.figures = sides.counting.figures(called(scratch.speakers, voice, privacy.label))
    built.examples = choice.examples() if choice else []
    built.sessions, built.beyond_budget = scratch.session_count, sides.beyond_budget
    return built


def _wanted(
    scratch: Scratch, cleaning: Cleaning, tested: Set[str]
) -> Callable[[Window, bytes, str | None], bool]:
    """Tells of a window with its line, and with its time if it is to be learned, whether it is
    new and nothing that is tested."""
    tested = tested if TESTED in cleaning.active else frozenset()

    def is_wanted(window: Window, line: bytes, learned_at: str | None) -> bool:
        if not scratch.is_new_row(line[: line.rindex(AT)]):
            cleaning.dropped["duplicate rows"] += 1
            return False
        if learned_at in tested:
            _, who, text, _ = window.said[-1]
            cleaning.drop(TESTED, text, who)
            return False
        return True

    return is_wanted


Turns = tuple[Turn, ...]


def _renderer(
    scratch: Scratch, voice: Voice, privacy: Privacy, people: list[Person]
) -> tuple[Callable[[Window], Turns], Callable[[Window, Turns], Row]]:
    others, labels = voice.others, called(scratch.speakers, voice, privacy.label)
    number_of = numbering(scratch.speakers, voice.speakers, labels, people)
    names = [None if number in voice.speakers else label for number, label in enumerate(labels)]
    names.append(READER)  # whose number is -1
    unnamed = {*others.placeholders, READERS_NUMBER}
    # The window is cut already, perhaps around an answer longer than the layout's own.
    whole = voice.layout.model_copy(update={"window_messages": sys.maxsize})

    def turn_of(speaker: int, text: str) -> Turn:
        if speaker in others.placeholders:
            return PLACEHOLDER
        said = privacy.veil(text)
        mine = names[speaker] is None and not voice.writing  # a passage has its lines
        return names[speaker], one_message(said, whole.burst_separator) if mine else said

    def turns_of(window: Window) -> Turns:
        turns: list[Turn] = []
        for _, speaker, text, _ in window.said:
            turn = turn_of(speaker, text)
            if turn is not PLACEHOLDER or turns[-1:] != [turn]:
                turns.append(turn)
        return tuple(turns)

    def row_of(window: Window, turns: Turns) -> Row:
        messages = render(whole, voice.system_prompt, voice.display_name, turns)
        said = Counter(one[1] for one in window.said if one[1] not in unnamed)
        speakers: Counter[str] = Counter()
        for speaker, count in said.items():
            speakers[str(number_of(speaker))] += count
        at = scratch.moment(window.said[0][0]).isoformat()
        return {"messages": messages, "at": at, "speakers": dict(speakers)}

    return turns_of, row_of
