"""What an import has on disk so far, for the same import to go on with if it is interrupted.

A hidden folder beside the dataset, for its owner alone: held by one process at a time, and gone
when the import is done. Knows nothing of what is in it.
"""

from __future__ import annotations

import fcntl
import marshal
import os
import shutil
import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.errors import NotWritable
from adapters.folders import LEFT_BEHIND_AFTER_S, Taken
from adapters.messages import Tell

from .temporary import CACHE_KIB, made, refusals

EVERY_S = 5.0
"""So much work is lost at most. A checkpoint writes 16 MB, by which near-duplicates are found."""
DURABLE = f"""
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = TRUNCATE;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -{CACHE_KIB};
CREATE TABLE IF NOT EXISTS state (part TEXT PRIMARY KEY, value BLOB);
"""
"""However the process ends, it is as it was at a checkpoint; where the machine loses its power, it
may be damaged, which is found out."""
DATABASE, WHAT, PATTERN = "messages.db", "what", ".*.import"


@dataclass(frozen=True)
class Unfinished:
    """An import that may have been begun before."""

    persona: str
    what: str
    """A digest of all that its work depends on."""
    tell: Tell


class Kept:
    """A database that is as it was at its last checkpoint when the import is killed."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database
        self._last = time.monotonic()

    @property
    def parts(self) -> list[str]:
        """Of what there was a checkpoint."""
        names = self.database.execute("SELECT part FROM state WHERE part <> ?", (WHAT,))
        return [name for (name,) in names]

    def read(self, part: str) -> Any:
        """What the last checkpoint said of this part; None where it said nothing."""
        query = "SELECT value FROM state WHERE part = ?"
        found = self.database.execute(query, (part,)).fetchone()
        return None if found is None else unsealed(found[0])

    @property
    def due(self) -> bool:
        return time.monotonic() - self._last >= EVERY_S

    def checkpoint(self, parts: Iterable[tuple[str, Any]] = ()) -> None:
        """All that is written so far stays, and with it what is said here of the parts."""
        self.database.executemany(
            "INSERT OR REPLACE INTO state VALUES (?, ?)",
            ((part, sealed(value)) for part, value in parts),
        )
        self.database.execute("COMMIT")
        self.database.execute("BEGIN")
        self._last = time.monotonic()


def sealed(value: Any) -> bytes:
    """A plain value as bytes that can tell whether they are whole."""
    data = marshal.dumps(value)
    return zlib.crc32(data).to_bytes(4, "big") + data


def unsealed(blob: bytes) -> Any:
    """Raises sqlite3.DatabaseError for what nobody sealed."""
    data = memoryview(blob)[4:]
    if zlib.crc32(data).to_bytes(4, "big") != blob[:4]:
        raise sqlite3.DatabaseError("some of it has changed")
    return marshal.loads(data)  # noqa: S302  # of a folder of our own, and as it was written


@contextmanager
def kept(folder: Path, unfinished: Unfinished, schema: str) -> Iterator[Kept]:
    """What there is of this import in `folder`: nothing, or what an interrupted one has left.

    It stays where the block is interrupted or the disk is full, and is gone after any other end.
    Raises NotWritable.
    """
    place = folder / f".{unfinished.persona}.import"
    with refusals(folder.parent), made(folder), _held(place, unfinished.tell):
        _sweep(folder, but=place)
        with (
            _removed_unless_interrupted(place),
            closing(_found(place, unfinished, schema)) as database,
        ):
            found = Kept(database)
            try:
                yield found
            except KeyboardInterrupt:
                if found.parts:
                    unfinished.tell("interrupted; the same command goes on where it stopped")
                else:
                    shutil.rmtree(place)  # nothing to go on with
                raise


def forget(folder: Path) -> None:
    """Removes what interrupted imports have left. One that is under way ends all the same."""
    for place in folder.glob(PATTERN):
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _removed_unless_interrupted(place: Path) -> Iterator[None]:
    stays = True
    try:
        yield
        stays = False
    except (OSError, NotWritable, sqlite3.OperationalError):
        raise  # the disk is full, perhaps
    except sqlite3.DatabaseError as error:
        stays = False
        raise NotWritable(f"{place} was damaged ({error}) and is removed; run it again") from error
    except Exception:
        stays = False
        raise
    finally:
        if not stays:
            shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _held(place: Path, tell: Tell) -> Iterator[None]:
    """The folder, made if need be, for this process alone until the end; an empty one goes."""
    handle = None
    while handle is None:
        place.mkdir(mode=0o700, exist_ok=True)
        try:
            handle = _lock(place, wait=False)
        except Taken:
            tell("another import of this persona is under way; this one waits until it is done")
            handle = _lock(place, wait=True)
    try:
        yield
    finally:
        with suppress(OSError):
            place.rmdir()
        os.close(handle)


def _lock(place: Path, *, wait: bool) -> int | None:
    """What holds the folder until it is closed; None where who held it before has removed it.

    Raises Taken where it is held and this is not to wait.
    """
    with suppress(FileNotFoundError):
        handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if os.path.samestat(os.fstat(handle), place.stat()):
                return handle
        except BlockingIOError:
            os.close(handle)
            raise Taken from None
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
    return None


def _found(place: Path, unfinished: Unfinished, schema: str) -> sqlite3.Connection:
    """The database that an import like this one has left, else a fresh one."""
    path = place / DATABASE
    if path.exists():
        database, left = None, ""
        try:
            database = _opened(path, schema)
            found = Kept(database)
            if found.read(WHAT) == unfinished.what:
                return database
            if found.parts:
                left = (
                    "an interrupted import of something else, or with other options, is forgotten"
                )
        except sqlite3.DatabaseError as error:
            left = f"what an interrupted import has left is damaged ({error})"
        if database:
            database.close()
        if left:
            unfinished.tell(f"{left}; this one begins at the beginning")
        for file in place.iterdir():
            file.unlink()
    database = _opened(path, schema)
    Kept(database).checkpoint([(WHAT, unfinished.what)])
    return database


def _opened(path: Path, schema: str) -> sqlite3.Connection:
    path.touch(mode=0o600)
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.executescript(DURABLE + schema)
        database.execute("BEGIN")
    except BaseException:
        database.close()
        raise
    return database


def _sweep(folder: Path, *, but: Path) -> None:
    """Removes what was interrupted long ago and never went on."""
    for place in folder.glob(PATTERN):
        if place == but:
            continue
        with suppress(OSError, Taken):
            if handle := _lock(place, wait=False):
                try:
                    latest = max(file.stat().st_mtime for file in (place, *place.iterdir()))
                    if time.time() - latest > LEFT_BEHIND_AFTER_S:
                        shutil.rmtree(place, ignore_errors=True)
                finally:
                    os.close(handle)
