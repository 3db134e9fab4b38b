"""What counts as one name, and the fingerprint of it, which tells nobody without the key whose.

Knows nothing of who agreed.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from adapters.keys import key

PHONE = re.compile(r"\+?[\d\s()./-]{7,}")
FINGERPRINT_CHARACTERS = 32


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


class Fingerprints:
    """Fingerprints of names, by one home's key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def of(cls, home: Path) -> Fingerprints:
        """With the home's key, which is made on first use. Raises NotWritable."""
        return cls(key(home))

    def fingerprint(self, name: str) -> str:
        """Says whether it is the same name, and to nobody without the key which one."""
        return self._digest("who", plain(name)).hex()[:FINGERPRINT_CHARACTERS]

    def fingerprints(self, names: Iterable[str]) -> frozenset[str]:
        return frozenset(map(self.fingerprint, plain_all(names)))

    def _digest(self, use: str, name: str) -> bytes:
        return hmac.digest(self._key, f"{use}:{name}".encode("utf-8", "replace"), "sha256")
