"""Conversations cut into windows to learn from.

Knows what was said in sessions and who the persona is; nothing of rendering or files, and keeps
no more than one window in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass

from .doubles import Said
from .scratch import Session

HELD_OUT_SHARE = 0.1
LONGEST_ANSWER = 256
"""A longer monologue goes on in another window, after the same words of others."""


@dataclass(frozen=True, slots=True)
class Window:
    said: list[Said]
    mine: int
    """Messages of the persona in it."""
    session: Session


def windows(
    sessions: Iterable[Session],
    persona: Set[int],
    window_messages: int,
    dropped: Counter[str],
) -> Iterator[Window]:
    """Windows that don't overlap: every message of the persona is in exactly one.

    Each begins with somebody else and ends with the persona. Where the persona opens a session,
    the last words said to it before come first, as they would when the persona is served; where
    there are none (the very beginning, of what is held out as well), the opening is left out and
    counted in `dropped`.
    """
    lead: list[Said] = []
    place = None
    for session in sessions:
        if (session.conversation, session.held_out) != place:
            lead, place = [], (session.conversation, session.held_out)
        window: list[Said] = []
        mine = 0
        for others, answer in _exchanges(session, lead, persona, window_messages, dropped):
            if not answer:
                lead = others
                continue
            if window and len(window) + len(others) + len(answer) > window_messages:
                yield Window(window, mine, session)
                window, mine = [], 0
            room = max(1, window_messages - len(answer))
            window += others[-room:]
            window += answer
            mine += len(answer)
        if window:
            yield Window(window, mine, session)


def dialogues(
    sessions: Iterable[Session],
    persona: Set[int],
    window_messages: int,
    dropped: Counter[str],
) -> Iterator[Window]:
    """Windows of all that is said, whoever says it; they begin with somebody else as well.

    Each line is in one of them, but for the one that is said again before the persona's words
    where a window would begin with those.
    """
    lead: Said | None = None
    place = None
    for session in sessions:
        if (session.conversation, session.held_out) != place:
            lead, place = None, (session.conversation, session.held_out)
        window: list[Said] = []
        for said in session.said:
            mine = said[1] in persona
            if len(window) >= window_messages + (LONGEST_ANSWER if mine else 0):
                yield _window(window, persona, session)
                window = []
            if mine and not window and lead is None:
                dropped["nobody had spoken before"] += 1
                continue
            if mine and not window and lead:
                window.append(lead)
            window.append(said)
            lead = lead if mine else said
        if window:
            yield _window(window, persona, session)


def _window(said: list[Said], persona: Set[int], session: Session) -> Window:
    return Window(said, sum(one[1] in persona for one in said), session)


def _exchanges(
    session: Session,
    lead: list[Said],
    persona: Set[int],
    window_messages: int,
    dropped: Counter[str],
) -> Iterator[tuple[list[Said], list[Said]]]:
    """(what others said, what the persona said to it), in order; the last words of others at
    the end, without an answer."""
    others, answer = lead, list[Said]()
    fresh = False  # whether `others` is of this session
    for said in session.said:
        if said[1] in persona:
            if not others:
                dropped["nobody had spoken before"] += 1
                continue
            answer.append(said)
            if len(answer) >= LONGEST_ANSWER:
                yield others, answer
                answer = []
            continue
        if answer or not fresh:
            if answer:
                yield others, answer
            others, answer, fresh = [], [], True
        others.append(said)
        if len(others) > 2 * window_messages:
            del others[:-window_messages]
    if answer:
        yield others, answer
    yield others, []
