"""A database on disk for as long as one import takes; knows nothing of what is in it."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from adapters.errors import FULL_DISK, NotWritable, writing
from adapters.folders import private

CACHE_KIB = 8192
FAST = f"""
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA cache_size = -{CACHE_KIB};
"""
"""Nothing of it must survive a crash."""


@contextmanager
def temporary(folder: Path, schema: str) -> Iterator[sqlite3.Connection]:
    """Its file in `folder` has no name once it is open: even a killed process leaves nothing.

    Folders that had to be made are gone again where nothing else has come to be in them. Raises
    NotWritable.
    """
    with refusals(folder.parent), made(folder), closing(_opened(folder, schema)) as database:
        yield database


@contextmanager
def refusals(folder: Path) -> Iterator[None]:
    """Turns what the system or SQLite can't do below `folder` into a NotWritable."""
    try:
        with writing(folder):
            yield
    except sqlite3.Error as error:
        full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        reason = FULL_DISK if full else str(error)
        raise NotWritable(f"can't write to {folder}: {reason}") from error


@contextmanager
def made(folder: Path) -> Iterator[None]:
    """The folder and the one around it; those that had to be made and are empty go again."""
    fresh = [place for place in (folder, folder.parent) if not place.exists()]
    try:
        private(folder)
        yield
    finally:
        for place in fresh:
            with suppress(OSError):
                place.rmdir()


def _opened(folder: Path, schema: str) -> sqlite3.Connection:
    handle, name = tempfile.mkstemp(dir=folder, prefix=".import-")
    try:
        os.close(handle)
        database = sqlite3.connect(name, isolation_level=None)
        database.executescript(FAST + schema)
        database.execute("BEGIN")  # and never a commit: nobody else will read it
        return database
    finally:
        Path(name).unlink()
