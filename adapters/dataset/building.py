"""Turns the messages of one import into the persona's rows: split by time, cut, render."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field, replace

from adapters.privacy import Privacy

from .clean import Cleaning
from .conversations import HELD_OUT_SHARE, Window, windows
from .doubles import Said
from .figures import Counting, Figures
from .passages import READER, READERS_NUMBER, passages
from .people import Voice, called, numbering
from .render import Turn, render
from .report import Person
from .scratch import Scratch, Session
from .store import Row, Rows, encoded

AT = b', "at": '
"""Before a row's time, with which begins what does not make it another one."""
PLACEHOLDER = ("someone", "[message of someone else]")
LEFT_OUT = "others who did not agree"
"""What counts their messages in the report."""


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
    people: list[Person] = field(default_factory=list)
    """Who speaks in the rows."""
    figures: Figures | None = None


def build(
    scratch: Scratch, voice: Voice, rows: Rows, cleaning: Cleaning, privacy: Privacy
) -> Built:
    """Writes the rows as they come; `cleaning` learns what was left out, `privacy` replaced."""
    built = Built()
    scratch.arrange(voice.speakers)
    late = scratch.held_out_from(HELD_OUT_SHARE)
    doubles = "duplicates" not in cleaning.active
    sessions = scratch.sessions(late, doubles=doubles)
    heard = _heard(sessions, voice.others.left_out, cleaning)
    counting = Counting(voice.speakers, scratch.span, late) if scratch.span else None
    if counting:
        heard = map(counting.passing, heard)
    size = voice.layout.window_messages
    render_row = _renderer(scratch, voice, privacy, built.people)
    cut = (
        passages(heard, voice.speakers, scratch.speakers)
        if voice.writing
        else windows(heard, voice.speakers, size, cleaning.dropped)
    )
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
    if counting:
        built.figures = counting.figures(called(scratch.speakers, voice, privacy.label))
    return built


def _heard(
    sessions: Iterator[Session], left_out: Set[int], cleaning: Cleaning
) -> Iterator[Session]:
    """The sessions without the messages of those who are left out."""

    def without(said: Iterator[Said]) -> Iterator[Said]:
        for one in said:
            if one[1] in left_out:
                cleaning.dropped[LEFT_OUT] += 1
            else:
                yield one

    for session in sessions:
        yield replace(session, said=without(session.said)) if left_out else session


def _renderer(
    scratch: Scratch, voice: Voice, privacy: Privacy, people: list[Person]
) -> Callable[[Window], Row]:
    others, labels = voice.others, called(scratch.speakers, voice, privacy.label)
    number_of = numbering(scratch.speakers, voice.speakers, labels, people)
    names = [None if number in voice.speakers else label for number, label in enumerate(labels)]
    names.append(READER)  # whose number is -1
    unnamed = {*others.placeholders, READERS_NUMBER}
    # The window is cut already, perhaps around an answer longer than the layout's own.
    whole = voice.layout.model_copy(update={"window_messages": sys.maxsize})

    def turns(window: Window) -> Iterator[Turn]:
        before: Turn | None = None
        for _, speaker, text, _ in window.said:
            mentioned = speaker in others.placeholders
            turn: Turn = PLACEHOLDER if mentioned else (names[speaker], privacy.veil(text))
            if turn != before or turn is not PLACEHOLDER:
                yield turn
            before = turn

    def row(window: Window) -> Row:
        messages = render(whole, voice.system_prompt, voice.display_name, list(turns(window)))
        said = Counter(one[1] for one in window.said if one[1] not in unnamed)
        speakers: Counter[str] = Counter()
        for speaker, count in said.items():
            speakers[str(number_of(speaker))] += count
        at = scratch.moment(window.said[0][0]).isoformat()
        return {"messages": messages, "at": at, "speakers": dict(speakers)}

    return row
