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
LINKS = ("http", "HTTP", "Http", "www.", "WWW.", "Www.")
LINKS_ONLY = re.compile(rf"{LINK}(?:\s+{LINK})*", re.IGNORECASE)


def cleaned(messages: Iterable[Message], dropped: Counter[str]) -> Iterator[Message]:
    """The messages worth keeping; `dropped` counts the others by rule."""
    for message in messages:
        if rule := rule_against(message):
            dropped[rule] += 1
        else:
            yield message


def rule_against(message: Message) -> str | None:
    """The rule by which a message is dropped, if any."""
    text = message.text.strip()
    if not text:
        return "empty"
    if text.startswith(LINKS) and LINKS_ONLY.fullmatch(text):
        return "links only"
    return "over-long paste" if len(text) > MAX_CHARACTERS else None
