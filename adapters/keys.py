"""The key of one $UNDERSTUDY_HOME, by which stand-ins for names are made and told apart.

It never leaves the home: who has a dataset or a version without it can't tell who is meant.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from adapters.errors import NotWritable, writing


def key(home: Path) -> bytes:
    """Made on first use with mode 600; two processes at once get the same one.

    Raises NotWritable.
    """
    path = home / "keys" / "names"
    with writing(path.parent):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _make(path, secrets.token_urlsafe(32))
        found = path.read_bytes().strip()
    if not found:
        raise NotWritable(f"{path} is empty; remove it, and a new key is made")
    return found


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
