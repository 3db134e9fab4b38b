"""Where a speaker's name ends, for names that hold a colon themselves.

Knows the part of a line after its date; nothing of dates or messages.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from .header import visible

MAX_NAME_CHARACTERS = 100
COLON_NAME_LINES = 3
"""So many lines must share "Dr: Who" before it is taken for one name."""
SPACES = re.compile(r"\s+")
QUOTES = re.compile('["“”„«»]')


@dataclass
class Names:
    """The names of a file, learned from all of its lines."""

    second: dict[str, tuple[str | None, int]] = field(default_factory=dict)
    """What follows "name: " up to the next ": ", and on how many lines; None where it varies."""
    varied: set[str] = field(default_factory=lambda: {""})
    """The names where it varies, and no name at all: nothing more can be learned of them."""
    clean: dict[str, str | None] = field(default_factory=dict)

    def observe(self, rest: str) -> None:
        name, found, words = rest.partition(": ")
        if not found:
            return
        part, found, _ = words.partition(": ")
        known, count = self.second.get(name, (part if found else None, 0))
        if not found or known != part:
            known = None
            self.varied.add(name)
        self.second[name] = (known, count + 1)

    def simple(self) -> dict[str, str]:
        """Who speaks, by what stands before the first colon, where nothing more need be asked."""
        cleaned = ((name, _clean(name)) for name in self.varied)
        return {name: speaker for name, speaker in cleaned if speaker}

    def split(self, rest: str) -> tuple[str | None, str]:
        """(speaker, what follows), or (None, rest) where nobody speaks: a system line."""
        name, found, words = rest.partition(": ")
        if not found:
            if not rest.rstrip().endswith(":"):
                return None, rest
            name, words = rest.rstrip()[:-1], ""
        part, count = self.second.get(name, (None, 0))
        if part and count >= COLON_NAME_LINES and len(part) < MAX_NAME_CHARACTERS // 2:
            name, words = f"{name}: {part}", words[len(part) + 2 :]
        if name not in self.clean:
            self.clean[name] = _clean(name)
        speaker = self.clean[name]
        return speaker, words if speaker else rest


def _clean(name: str) -> str | None:
    """The name as people know it; None where it can't be one."""
    bare = SPACES.sub(" ", unicodedata.normalize("NFC", visible(name))).strip()
    bare = bare.removeprefix("~").strip()
    # An open quotation mark: a group's new title with a colon in it, said by the app.
    if not bare or len(bare) > MAX_NAME_CHARACTERS or len(QUOTES.findall(bare)) % 2:
        return None
    return bare
