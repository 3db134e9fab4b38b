"""A person's own writing cut into windows to learn from: each passage answers a plain request.

Nobody spoke before a passage, so a reader asks for it by the document's title and the heading
above it. `understudy questions` puts a question in the request's place. Knows nothing of
rendering, files or formats.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set

from adapters.manifest import PromptFormat

from .conversations import Window
from .roll import Speaker
from .scratch import Session

FORMAT = "writing"
"""The import format whose messages are passages; its report says so."""
READER = "reader"
READERS_NUMBER = -1
LAYOUT = PromptFormat(speaker_label="")
"""Requests bear no name, so neither do the questions that people ask later."""


def place(document: int, section: int, passage: int, heading: str) -> str:
    """Where a passage stands, as its message's id."""
    return f"{document}.{section}.{passage} {heading}"


def passages(
    sessions: Iterable[Session], persona: Set[int], speakers: Sequence[Speaker]
) -> Iterator[Window]:
    """A window for each passage of the persona: the request, and the passage."""
    for session in sessions:
        for said in session.said:
            second, number, _, stands = said
            if number in persona:
                asked = second, READERS_NUMBER, request(speakers[number].conversation, stands), ""
                yield Window([asked, said], 1, session)


def request(title: str, place: str) -> str:
    """What a reader says to be told a passage."""
    numbers, _, heading = place.partition(" ")
    about = ": ".join(filter(None, (title, heading)))
    return f"Write about: {about}" if numbers.endswith(".1") else f"Go on: {about}"
