"""Who speaks in an export, how much and when; and who is meant by what --speaker was given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from adapters.dataset.scratch import Scratch
from adapters.errors import BadExport, BadRequest, UnknownSpeaker
from adapters.messages import Message

MAX_SPEAKERS, MAX_LISTED_SPEAKERS = 200_000, 12


@dataclass(slots=True)
class Figures:
    """What one speaker said in one conversation; times as the export shows them."""

    name: str
    id: str
    conversation: str
    messages: int
    first: datetime
    last: datetime

    def as_json(self) -> dict[str, Any]:
        return {
            **asdict(self), "first": self.first.isoformat(), "last": self.last.isoformat(),
        }  # fmt: skip


def listed(messages: Iterable[Message]) -> list[Figures]:
    """By conversation, the most talkative first."""
    found: dict[tuple[str, str, str], Figures] = {}
    for message in messages:
        key = message.conversation, message.speaker_id, message.speaker
        at = message.at.replace(tzinfo=None)
        figures = found.get(key)
        if figures is None:
            if len(found) >= MAX_SPEAKERS:
                raise BadExport(f"more than {MAX_SPEAKERS:,} people speak in this export: no chat")
            found[key] = Figures(key[2], key[1], key[0], 1, at, at)
            continue
        figures.messages += 1
        if at < figures.first:
            figures.first = at
        elif at > figures.last:
            figures.last = at
    return sorted(found.values(), key=lambda one: (one.conversation, -one.messages, one.name))


def chosen_numbers(wanted: Sequence[str], scratch: Scratch, *, lone: bool) -> frozenset[int]:
    """The numbers of the speakers meant, by name or by the export's id of them; letter case is
    forgiven where it is clear. A `lone` speaker is meant by any name."""
    known = _by_name(scratch)
    listed = ", ".join(
        f"{name} ({count})" for name, count in known.most_common(MAX_LISTED_SPEAKERS)
    )
    more = len(known) - MAX_LISTED_SPEAKERS
    who = f"in it speak: {listed}" + (f" and {more} more" if more > 0 else "")
    if not known:
        raise UnknownSpeaker("nobody speaks in this export: it holds no message of a person")
    if not wanted:
        raise BadRequest(f"say who the persona is with --speaker NAME; {who}")
    if lone and len(known) == 1:
        return frozenset(range(len(scratch.speakers)))
    chosen: set[int] = set()
    for name in wanted:
        spelt = _spelt(name, known)
        meant = {
            number
            for number, speaker in enumerate(scratch.speakers)
            if speaker.name == spelt or speaker.id == name
        }
        if not meant:
            raise UnknownSpeaker(f"{name!r} does not speak in this export; {who}")
        chosen |= meant
    return frozenset(chosen)


def _by_name(scratch: Scratch) -> Counter[str]:
    known: Counter[str] = Counter()
    for speaker, count in zip(scratch.speakers, scratch.counts, strict=True):
        known[speaker.name] += count
    return known


def _spelt(name: str, known: Iterable[str]) -> str | None:
    """The name as the export spells it."""
    bare = " ".join(name.split()).removeprefix("~").strip()
    if bare in known:
        return bare
    alike = [spelt for spelt in known if spelt.casefold() == bare.casefold()]
    return alike[0] if len(alike) == 1 else None
