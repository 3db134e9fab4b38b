"""Messages and rows that teach no voice, dropped by named rules and counted.

Light on purpose: what is odd about a person's writing is what the persona is made of.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from adapters.messages import Message

MAX_CHARACTERS = 1000
"""Longer messages are pasted from elsewhere far more often than written."""
LINK = r"(?:https?://|www\.)\S+"
LINKS_ONLY = re.compile(rf"{LINK}(?:\s+{LINK})*", re.IGNORECASE)


def cleaned(messages: Iterable[Message], dropped: Counter[str]) -> Iterator[Message]:
    """The messages worth keeping; `dropped` counts the others by rule."""
    for message in messages:
        if rule := _rule(message.text.strip()):
            dropped[rule] += 1
        else:
            yield message


def _rule(text: str) -> str | None:
    if not text:
        return "empty"
    if LINKS_ONLY.fullmatch(text):
        return "links only"
    return "over-long paste" if len(text) > MAX_CHARACTERS else None
