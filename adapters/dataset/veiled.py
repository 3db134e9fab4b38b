"""What texts became when their private data was replaced, in the order in which it was asked for.

An import that goes on asks for the same again, and does not have to look for it anew. Knows
nothing of what is private.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

from .kept import Kept, sealed, unsealed

Veiled = tuple[str, tuple[str, ...]]
"""(a text with stand-ins, the kinds of what they stand for)."""
PART, PIECE = "veiled", 2048


class Recalling:
    """Recalls what an interrupted import has found out, if that depended on the same (`what`)."""

    def __init__(self, kept: Kept, what: str) -> None:
        self._kept = kept
        self._texts: list[str] = []
        self._changed: dict[int, Veiled] = {}
        self._strays = False
        """Whether other texts are asked for than then, so that what follows is of no use."""
        if kept.read(PART) != what:
            kept.database.execute("DELETE FROM veiled")
            kept.checkpoint([(PART, what)])
        self._before: Iterator[tuple[int, Veiled | None]] | None = self._found_before()

    def recall(self, text: str) -> Veiled | None:
        """What this text, the next one, became then."""
        if not self._before:
            return None
        check, veiled = next(self._before, (None, None))
        if check == _check(text):
            return veiled or (text, ())
        self._strays = check is not None
        self._before = None
        return None

    def remember(self, text: str, veiled: Veiled | None) -> None:
        """What was not recalled; None where nothing changed."""
        texts = self._texts
        if veiled:
            self._changed[len(texts)] = veiled
        texts.append(text)
        if len(texts) >= PIECE:
            self._put()

    def _found_before(self) -> Iterator[tuple[int, Veiled | None]]:
        for (blob,) in self._kept.database.execute("SELECT texts FROM veiled ORDER BY rowid"):
            checks, changed = unsealed(blob)
            yield from ((check, changed.get(n)) for n, check in enumerate(checks))

    def _put(self) -> None:
        if not self._strays:
            piece: Any = [_check(text) for text in self._texts], self._changed
            self._kept.database.execute("INSERT INTO veiled VALUES (?)", (sealed(piece),))
            if self._kept.due:
                self._kept.checkpoint()
        self._texts.clear()
        self._changed.clear()


def _check(text: str) -> int:
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))
