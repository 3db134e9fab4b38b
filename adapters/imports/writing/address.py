"""An address on the web where an export's path could stand, and how it comes to be a folder.

Light: the web is only known to `site` and `web`, which are imported when there is an address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from adapters.errors import BadRequest
from adapters.messages import Watch, unwatched

SCHEME = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    url: str

    @classmethod
    def of(cls, url: str) -> Address:
        """Raises BadRequest, which never repeats what may hold a password."""
        try:
            parts = urlsplit(url)
            secret, host = parts.username is not None or parts.password is not None, parts.hostname
            _ = parts.port
        except ValueError:
            raise BadRequest("this address can't be read; write https://HOST/PATH") from None
        if secret or "@" in parts.netloc:
            raise BadRequest(
                "the address has a name or password in it, which would end in files and lists; "
                "leave out all before the @"
            )
        if parts.scheme.lower() not in ("http", "https") or not host:
            raise BadRequest("only addresses that begin with https:// or http:// can be imported")
        return cls(url)

    @property
    def name(self) -> str:
        """The host: all that reports and lists need to say."""
        return urlsplit(self.url).hostname or ""


Source = Path | Address


def source(said: str) -> Source:
    """What somebody means who names a file, a folder or an address. Raises BadRequest."""
    return Address.of(said) if SCHEME.match(said) else Path(said)


@contextmanager
def at_hand(
    place: Source, home: Path | None, watch: Watch = unwatched, *, keep: bool = False
) -> Iterator[Path]:
    """The export as a path: what is on the web is fetched first, politely.

    What was fetched waits below `home` for another try when the block does not end well, or when
    it is to `keep`. Raises AdaptersError.
    """
    if isinstance(place, Path):
        yield place
        return
    from .site import collected

    with collected(place, home, watch, keep=keep) as folder:
        yield folder
