"""How somebody who types in bursts is shown: each segment of an answer is a message.

Knows the separator that the persona was trained on; `splitting` cuts what is too long.
"""

from __future__ import annotations

from .splitting import open_fence

MESSAGES_MAX = 6
"""So many segments become messages; the rest stays in the last one."""


def segments(text: str, separator: str, note: str = "") -> list[str]:
    """The segments of `text` that are not blank; a code fence is never torn apart.

    A segment depends only on what stands before its end, so earlier ones stay as they are while
    the text grows. The `note` at the end of the text belongs to the last segment.
    """
    complete: list[str] = []
    current = ""
    for piece in text.removesuffix(note).split(separator):
        current = f"{current}{separator}{piece}" if current else piece.lstrip()
        if len(complete) < MESSAGES_MAX - 1 and current.strip() and open_fence(current) is None:
            complete.append(current.strip())
            current = ""
    if current.strip():
        complete.append(current.strip())
    if note and complete and text.endswith(note):
        complete[-1] += note
    return complete


def without_half(text: str, separator: str) -> str:
    """A growing text without the separator's beginning, which would flash up at its end."""
    for shown in range(len(separator) - 1, 0, -1):
        if text.endswith(separator[:shown]):
            return text[:-shown]
    return text
