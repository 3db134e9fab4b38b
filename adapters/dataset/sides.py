"""The windows of both sides of the split by time: what is tested, and what of the rest is learned.

Reads the messages once, and twice or three times where a budget must choose among them. Knows
nothing of rendering or files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from .clean import TESTED, Cleaning
from .conversations import HELD_OUT_SHARE, Window, dialogues, windows
from .doubles import Said
from .figures import Counting
from .passages import passages
from .people import Voice
from .scratch import Scratch, Session
from .shape import Shape

if TYPE_CHECKING:
    from .budget import Candidate, Chosen
    from .held_out import HeldOut

Cut = Callable[[Iterable[Session], Set[int], int, Counter[str]], Iterator[Window]]
LEFT_OUT = "others who did not agree"
"""What counts their messages in the report."""


class Sides:
    """Read `held_out` to its end before `train`."""

    def __init__(self, scratch: Scratch, voice: Voice, cleaning: Cleaning, shape: Shape) -> None:
        self._scratch, self._voice, self._shape = scratch, voice, shape
        self._cleaning, self._speakers = cleaning, scratch.speakers
        self.beyond_budget = 0
        """Rows that were not chosen."""
        scratch.arrange(voice.speakers)
        self.late = scratch.held_out_from(HELD_OUT_SHARE)
        span = scratch.span
        self.counting = Counting(voice.speakers, span, self.late) if span else None
        """Sees every session that is read, once."""
        self._tested = self._kept_apart() if TESTED in cleaning.active else None

    def _kept_apart(self) -> HeldOut:
        from .held_out import HeldOut

        shown = set(range(len(self._speakers))) - self._voice.others.placeholders
        mine = self._voice.speakers
        return HeldOut(mine, shown if self._shape.layout == "dialogue" else mine)

    @property
    def tested_span(self) -> tuple[datetime, datetime] | None:
        """The times of what is held out."""
        span = self._scratch.span
        return None if self.late is None or not span else (self._scratch.moment(self.late), span[1])

    def held_out(self) -> Iterator[Window]:
        """Answers in every layout, or those could not be compared."""
        heard = self._heard(self._cleaning, held_out=True)
        made = self._cut(heard, windows, self._cleaning)
        return self._tested.met(made) if self._tested else made

    def train(self) -> Iterator[Window]:
        """As many as the budget allows."""
        if (wanted := self._shape.max_examples) is None:
            yield from self._learned(self._cleaning)
            self._count_doubles()
            return
        yield from self._again(self._chosen(wanted))

    def _chosen(self, wanted: int) -> Chosen:
        from .budget import Rows

        rows = Rows(self._candidates())
        self._count_doubles()
        self.beyond_budget = max(0, len(rows) - wanted)
        if self._shape.sample == "topics":
            known = rows.all()
            return rows.balanced((_text(one) for one in self._again(known)), wanted)
        return rows.even(wanted) if self._shape.sample == "even" else rows.recent(wanted)

    def _candidates(self) -> Iterator[Candidate]:
        from .budget import Candidate

        scratch, dropped = self._scratch, self._cleaning.dropped
        for number, window in enumerate(self._learned(self._cleaning)):
            if scratch.is_new_row(self._key(window)):
                yield Candidate(number, window.said[0][0], _text(window))
            else:
                dropped["duplicate rows"] += 1

    def _again(self, chosen: Chosen) -> Iterator[Window]:
        """What was read before, without counting it twice."""
        self._scratch.doubles.forget()
        silent = Cleaning()
        silent.active = self._cleaning.active
        for number, window in enumerate(self._learned(silent)):
            if number < len(chosen) and chosen[number]:
                yield window

    def _learned(self, cleaning: Cleaning) -> Iterator[Window]:
        heard = self._heard(cleaning, held_out=False)
        cut = dialogues if self._shape.layout == "dialogue" else windows
        made = self._cut(heard, cut, cleaning)
        return self._tested.without(made, cleaning) if self._tested else made

    def _cut(self, heard: Iterator[Session], cut: Cut, cleaning: Cleaning) -> Iterator[Window]:
        mine, size = self._voice.speakers, self._voice.layout.window_messages
        if self._voice.writing:
            return passages(heard, mine, self._speakers)
        return cut(heard, mine, size, cleaning.dropped)

    def _heard(self, cleaning: Cleaning, *, held_out: bool) -> Iterator[Session]:
        doubles = "duplicates" not in cleaning.active
        sessions = self._scratch.sessions(self.late, held_out=held_out, doubles=doubles)
        if left_out := self._voice.others.left_out:
            sessions = _without(sessions, left_out, cleaning)
        if self.counting and cleaning is self._cleaning:
            return map(self.counting.passing, sessions)
        return sessions

    def _count_doubles(self) -> None:
        doubles = self._scratch.doubles
        self._cleaning.took("duplicates", doubles.count, doubles.samples)

    def _key(self, window: Window) -> bytes:
        """What makes a row another one: who says what, as far as it is shown."""
        hidden, mine = self._voice.others.placeholders, self._voice.speakers
        said = [
            ()
            if who in hidden
            else (None if who in mine else self._speakers[who].name, text.strip())
            for _, who, text, _ in window.said
        ]
        return repr(said).encode("utf-8", "surrogatepass")


def _text(window: Window) -> str:
    return "\n".join(said[2] for said in window.said)


def _without(
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
        yield replace(session, said=without(session.said))
