"""Structured exports: every record is a message of a person or ends in a bin of the tally.

Knows nothing of any format.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from adapters.messages import MAX_SAMPLES, Bin, Message, Tally

Verdict = Message | Bin


def never(_: Any) -> bool:
    return False


def binned(
    tally: Tally,
    records: Iterable[tuple[Verdict, Any]],
    edited: Callable[[Any], bool] = never,
) -> Iterator[Message]:
    """The messages among (verdict, the record itself); all others are counted.

    `edited` tells of the record of a message whether its text is a later wording.
    """
    for verdict, record in records:
        tally.lines += 1
        if isinstance(verdict, Message):
            tally.put("kept")
            tally.edited += edited(record)
            yield verdict
        elif verdict == "unparsed":
            known = len(tally.unparsed_samples) >= MAX_SAMPLES
            tally.miss(tally.lines, "" if known else str(record))
        else:
            tally.put(verdict)


def plain(text: Any) -> str:
    """What somebody wrote, with newlines as we write them and nothing around it."""
    if not isinstance(text, str):
        return ""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def named(name: Any) -> str:
    """A name on one line."""
    return " ".join(name.split()) if isinstance(name, str) else ""


def counted(reactions: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """Each emoji and how many, the first given first."""
    return tuple(Counter(emoji for emoji in reactions if emoji).items())


class Conversations:
    """Names of conversations: the title, with the id behind it where two share a title."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    def name(self, title: str, id_: str) -> str:
        if not title:
            return id_
        return title if self._ids.setdefault(title, id_) == id_ else f"{title} ({id_})"
