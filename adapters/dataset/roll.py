"""Who speaks in an import, how much, and what others made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.errors import BadExport
from adapters.messages import Message

MAX_NAMES = 200_000
MAX_EMOJI, EMOJI_CHARACTERS = 1_000, 40
"""Kinds of reactions that are told apart, and how much of a name such as :party_parrot:."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Somebody of one conversation."""

    name: str
    id: str
    conversation: str


class Roll:
    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str, str], int] = {}
        self.counts: list[int] = []
        """Messages by the number of their speaker."""
        self._emoji: dict[str, None] = {}
        self._reactions: Counter[tuple[int, str]] = Counter()
        self._replies: Counter[int] = Counter()

    @property
    def speakers(self) -> list[Speaker]:
        """In the order of their numbers."""
        return [Speaker(name, id_, place) for place, id_, name in self._numbers]

    def number(self, message: Message) -> int:
        """The number of a message's speaker, counted."""
        key = message[3], message[4], message[1]
        number = self._numbers.get(key)
        if number is None:
            if len(self._numbers) >= MAX_NAMES:
                raise BadExport(f"more than {MAX_NAMES:,} people speak in this export: no chat")
            number = self._numbers[key] = len(self._numbers)
            self.counts.append(0)
        self.counts[number] += 1
        return number

    def heed(self, number: int, message: Message) -> None:
        """Counts what the message answers and how others reacted to it."""
        if message.reply_to:
            self._replies[number] += 1
        for emoji, count in message.reactions:
            short = emoji[:EMOJI_CHARACTERS]
            if short in self._emoji or len(self._emoji) < MAX_EMOJI:
                self._emoji[short] = None
                self._reactions[number, short] += count

    def reactions(self, people: Iterable[int], most: int) -> dict[str, int]:
        """To what these said, by emoji; the most frequent ones."""
        found: Counter[str] = Counter()
        meant = frozenset(people)
        for (number, emoji), count in self._reactions.items():
            if number in meant:
                found[emoji] += count
        return dict(found.most_common(most))

    def replies(self, people: Iterable[int]) -> int:
        """Messages of these that say which one they answer."""
        return sum(self._replies[number] for number in people)

    def state(self) -> dict[str, Any]:
        return {
            "numbers": list(self._numbers),
            "counts": self.counts,
            "reactions": list(self._reactions.items()),
            "replies": dict(self._replies),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self._numbers = {key: number for number, key in enumerate(state["numbers"])}
        self.counts = state["counts"]
        self._reactions = Counter(dict(state["reactions"]))
        self._emoji = dict.fromkeys(emoji for _, emoji in self._reactions)
        self._replies = Counter(state["replies"])
