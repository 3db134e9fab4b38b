"""Who speaks in the rows of a dataset, and under which names.

Knows nothing of who agreed to what, or of how a stand-in is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Literal

from adapters.manifest import PromptFormat

from .report import Person
from .roll import Speaker

SOMEONE = "someone"
"""What those are called in a report whose messages are not shown."""


@dataclass(frozen=True)
class Others:
    """How those appear who are not the persona: as themselves, unless it says otherwise here."""

    names: Mapping[int, str] = field(default_factory=dict)
    """Other names, by the number of the speaker."""
    placeholders: Set[int] = frozenset()
    """Whose messages are only mentioned."""
    left_out: Set[int] = frozenset()
    """Whose messages are not there at all."""


@dataclass(frozen=True)
class Voice:
    """Who the persona is, and how its conversations are laid out."""

    display_name: str
    speakers: Set[int]
    """The numbers that the persona has in this export."""
    system_prompt: str
    layout: PromptFormat
    others: Others = field(default_factory=Others)
    writing: bool = False
    """What the persona said are passages that nobody asked for."""


def called(speakers: Sequence[Speaker], voice: Voice, label: Callable[[str], str]) -> list[str]:
    """What each speaker is called in the rows, by number."""
    return [
        voice.display_name
        if number in voice.speakers
        else voice.others.names.get(number) or label(speaker.name)
        for number, speaker in enumerate(speakers)
    ]


def numbering(
    speakers: Sequence[Speaker], subjects: Set[int], labels: Sequence[str], people: list[Person]
) -> Callable[[int], int]:
    """Gives each person of the rows a number, and a place in `people`, when they first speak
    there; one who speaks in several conversations is one person."""
    places, known = dict[tuple[str, str], int](), dict[int, int]()

    def number_of(speaker: int) -> int:
        if speaker not in known:
            who = speakers[speaker]
            known[speaker] = places.setdefault((who.name, who.id), len(people))
            if known[speaker] == len(people):
                people.append(_person(len(people), who, speaker in subjects, labels[speaker]))
        return known[speaker]

    return number_of


def _person(number: int, who: Speaker, subject: bool, shown: str) -> Person:
    role: Literal["subject", "third party"] = "subject" if subject else "third party"
    return Person(number=number, name=who.name, id=who.id, role=role, shown=shown)
