"""Conversations: what was said without a long silence in between, cut into windows to learn from.

Knows messages and who the persona is; nothing of rendering or files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import groupby

from adapters.messages import Message

SILENCE = timedelta(hours=6)
HELD_OUT_SHARE = 0.1

Session = list[Message]
IsPersona = Callable[[Message], bool]


def sessions(messages: Iterable[Message], silence: timedelta = SILENCE) -> list[Session]:
    """Sessions in order of time. Within one the file's own order stands.

    Exports hold lines out of time order (a clock set back, a late delivery); sorting every line
    would tear answers from questions, so only whole sessions are sorted.
    """
    found: list[Session] = []
    for message in messages:
        if not found or abs(message.at - found[-1][-1].at) > silence:
            found.append([])
        found[-1].append(message)
    return sorted(found, key=lambda session: session[0].at)


def split(ordered: Sequence[Session], is_persona: IsPersona) -> tuple[list[Session], list[Session]]:
    """(to train on, held out): the last sessions, with about a tenth of the persona's messages."""
    said = [sum(map(is_persona, session)) for session in ordered]
    wanted, cut = HELD_OUT_SHARE * sum(said), len(ordered)
    while cut > 1 and sum(said[cut:]) < wanted:
        cut -= 1
    return list(ordered[:cut]), list(ordered[cut:])


def windows(
    ordered: Sequence[Session], is_persona: IsPersona, window_messages: int
) -> Iterator[list[Message]]:
    """Windows that don't overlap: every message of the persona is in exactly one.

    Each begins with somebody else and ends with the persona. Where the persona opens a session,
    the last words said to it before come first, as they would when the persona is served; where
    there are none (the very beginning), the opening is left out.
    """
    lead: list[Message] = []
    for session in ordered:
        yield from _packed(_exchanges(session, lead, is_persona), window_messages)
        runs = [list(run) for mine, run in groupby(session, is_persona) if not mine]
        lead = runs[-1] if runs else lead


def _exchanges(
    session: Session, lead: list[Message], is_persona: IsPersona
) -> Iterator[tuple[list[Message], list[Message]]]:
    """(what others said, what the persona said to it), in order."""
    others = lead
    for mine, run in groupby(session, is_persona):
        if not mine:
            others = list(run)
        elif others:
            yield others, list(run)


def _packed(
    exchanges: Iterable[tuple[list[Message], list[Message]]], window_messages: int
) -> Iterator[list[Message]]:
    window: list[Message] = []
    for others, answer in exchanges:
        room = max(1, window_messages - len(answer))
        if window and len(window) + len(others) + len(answer) > window_messages:
            yield window
            window = []
        window += [*others[-room:], *answer]
    if window:
        yield window
