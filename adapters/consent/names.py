"""What counts as one name, and the keyed stand-ins for it: fingerprints and made-up names.

The key is made once below $UNDERSTUDY_HOME, so a stand-in is the same in every import of a home
and tells nobody else who is meant. Knows nothing of who agreed.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
import tempfile
import unicodedata
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

from adapters.errors import NotWritable, writing

KEY = "names"
PHONE = re.compile(r"\+?[\d\s()./-]{7,}")
FINGERPRINT_CHARACTERS = 32
TRIES = 8
MADE_UP = (
    "Alba", "Ariel", "Asa", "Avery", "Bailey", "Beck", "Blair", "Briar", "Brook", "Cam",
    "Casey", "Cedar", "Cleo", "Cody", "Dale", "Darcy", "Dell", "Devon", "Drew", "Eden", "Ellis",
    "Ember", "Emery", "Ezra", "Fable", "Finley", "Florian", "Frankie", "Gale", "Gray", "Hadley",
    "Harbor", "Haven", "Hollis", "Indigo", "Ira", "Jessamy", "Jules", "Kai", "Kendall", "Kit",
    "Lake", "Lane", "Lennox", "Linden", "Lior", "Lumi", "Mallory", "Marlow", "Merle", "Micah",
    "Moss", "Noor", "Ocean", "Onyx", "Oriel", "Pax", "Perry", "Phoenix", "Quill", "Quinn",
    "Rain", "Reed", "Remy", "Ridley", "River", "Robin", "Rowan", "Rue", "Sage", "Sasha",
    "Shiloh", "Skye", "Sol", "Sorrel", "Tatum", "Teagan", "Toby", "Umber", "Vale", "Vesper",
    "Wren", "Yael", "Zephyr",
)  # fmt: skip


def plain(name: str) -> str:
    """The name as two spellings of it have it in common."""
    shown = "".join(
        c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) != "Cf"
    )
    bare = " ".join(shown.split()).removeprefix("~").strip()
    if PHONE.fullmatch(bare):
        return "".join(c for c in bare if c.isdigit() or c == "+")
    return bare.casefold()


def plain_all(names: Iterable[str]) -> frozenset[str]:
    return frozenset(filter(None, map(plain, names)))


class Stand:
    """Stand-ins for names, by one home's key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def of(cls, home: Path) -> Stand:
        """With the home's key, which is made on first use. Raises NotWritable."""
        return cls(_key(home / "keys" / KEY))

    def fingerprint(self, name: str) -> str:
        """Says whether it is the same name, and to nobody without the key which one."""
        return self._digest("who", plain(name)).hex()[:FINGERPRINT_CHARACTERS]

    def fingerprints(self, names: Iterable[str]) -> frozenset[str]:
        return frozenset(map(self.fingerprint, plain_all(names)))

    def pseudonym(self, name: str, taken: Collection[str] = ()) -> str:
        """A made-up name for a name, always the same; another one only where it is taken, which
        is a matter of plain names."""
        number = int.from_bytes(self._digest("pseudonym", plain(name)), "big")
        for _ in range(TRIES):
            number, at = divmod(number, len(MADE_UP))
            if plain(found := MADE_UP[at]) not in taken:
                return found
        count = 2
        while plain(f"{found} {count}") in taken:
            count += 1
        return f"{found} {count}"

    def _digest(self, use: str, name: str) -> bytes:
        return hmac.digest(self._key, f"{use}:{name}".encode("utf-8", "replace"), "sha256")


def _key(path: Path) -> bytes:
    with writing(path.parent):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _make(path, secrets.token_urlsafe(32))
        key = path.read_bytes().strip()
    if not key:
        raise NotWritable(f"{path} is empty; remove it, and a new key is made")
    return key


def _make(path: Path, text: str) -> None:
    """A whole file of mode 600; who comes second finds that of the first."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text + "\n")
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        Path(temporary).unlink()
