"""Where a long text is cut: paragraph, sentence, then word; code fences stay whole on both sides.

A cut depends only on what stands before it, so the earlier messages of an answer stay as they
are while it grows.
"""

from __future__ import annotations

import re

MESSAGE_MAX_CHARS = 2000
CLOSING = "\n```"
FENCE = re.compile(r"```(?:([\w+#.-]*)(?=\n))?")
BREAKS = (
    re.compile(r"\n[ \t]*\n"),  # paragraph
    re.compile(r"\n|[.!?…]['\"\u201d\u2019)\]*_]*(?=\s)"),  # line or sentence
    re.compile(r"\s"),  # word
)
FULL_ENOUGH = 0.5
"""A break counts when it leaves a message at least so full; else the next finer one is taken."""


def split(text: str, limit: int = MESSAGE_MAX_CHARS, lead: int = 0) -> list[str]:
    """The messages of at most `limit` characters that show `text`; none for an empty one. The
    first has `lead` characters less to itself."""
    parts: list[str] = []
    rest, reopened = text.strip(), ""
    while rest:
        room = limit if parts else limit - lead
        at = _cut(rest, room - len(reopened) - len(CLOSING))
        head, rest = rest[:at], rest[at:]
        part = reopened + head
        language = open_fence(part)
        if language is None:
            parts.append(part.rstrip())
            rest, reopened = rest.lstrip(), ""
        else:
            parts.append(part.rstrip() + CLOSING)
            rest, reopened = rest.removeprefix("\n"), f"```{language}\n"
            if not rest.strip(" \n`"):
                rest = ""  # only the fence's own end was left
    return parts


def _cut(text: str, room: int) -> int:
    """How many characters of `text` go into a message with `room` of them."""
    if len(text) <= room:
        return len(text)
    for pause in BREAKS:
        ends = [found.end() for found in pause.finditer(text, 0, room)]
        if ends and ends[-1] >= room * FULL_ENOUGH:
            return ends[-1]
    at = room
    while at > 1 and text[at - 1] == text[at] == "`":  # never inside the backticks of a fence
        at -= 1
    return at


def open_fence(text: str) -> str | None:
    """The language of the code fence left open at the end of `text`; None where none is."""
    language: str | None = None
    for fence in FENCE.finditer(text):
        language = (fence.group(1) or "") if language is None else None
    return language
