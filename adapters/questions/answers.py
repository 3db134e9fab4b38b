"""What models have answered: $UNDERSTUDY_HOME/questions/NAME.sqlite, so that nobody is asked twice.

An answer is on the disk before the next one is waited for. It is found by a digest of what was
asked, so nothing of a person's writing stands here but what the questions tell of it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from adapters.errors import FULL_DISK, AskingRefused, NotWritable, writing
from adapters.folders import Taken, locked, private

from .wording import VERSION, Asked

SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key BLOB PRIMARY KEY,
    model TEXT NOT NULL,
    question TEXT,
    at TEXT NOT NULL
) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class Answer:
    question: str | None
    """None where the model found none, however often it was asked."""


class Answers:
    def __init__(self, database: sqlite3.Connection, model: str) -> None:
        self._database = database
        self.model = model

    def key(self, asked: Sequence[Asked]) -> bytes:
        """Of what the model is asked: the piece and all around it."""
        said = json.dumps([VERSION, self.model, asked], ensure_ascii=False)
        return hashlib.sha256(said.encode("utf-8", "replace")).digest()

    def find(self, key: bytes) -> Answer | None:
        row = self._database.execute("SELECT question FROM answers WHERE key = ?", (key,))
        found = row.fetchone()
        return Answer(found[0]) if found else None

    def keep(self, key: bytes, question: str | None) -> None:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        kept = (key, self.model, question, at)
        self._database.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", kept)

    def forget_all(self) -> None:
        """What this model has answered."""
        self._database.execute("DELETE FROM answers WHERE model = ?", (self.model,))

    def forget_failures(self) -> None:
        """So that the next run tries those again."""
        self._database.execute(
            "DELETE FROM answers WHERE model = ? AND question IS NULL", (self.model,)
        )


@contextmanager
def remembered(home: Path, persona: str, model: str) -> Iterator[Answers]:
    """The persona's answers, for one process at a time. Raises AskingRefused, NotWritable."""
    place = _file(home, persona)
    with ExitStack() as stack:
        stack.enter_context(_meaning(place))
        with writing(place.parent):
            stack.enter_context(_alone(place, persona))
        yield Answers(stack.enter_context(closing(_opened(place))), model)


@contextmanager
def _alone(place: Path, persona: str) -> Iterator[None]:
    try:
        with locked(place, wait=False, purpose="use"):
            yield
    except Taken:
        raise AskingRefused(
            f"questions for {persona} are being asked already; wait for that, or stop it: what "
            "was answered is kept"
        ) from None


def there(home: Path, persona: str) -> bool:
    """Whether anything is kept for a persona, be it readable or not."""
    return _file(home, persona).exists()


def count(home: Path, persona: str) -> int:
    """Answers that are kept for a persona."""
    place = _file(home, persona)
    if not there(home, persona):
        return 0
    try:
        with closing(_opened(place)) as database:
            found = database.execute("SELECT count(*) FROM answers")
            return int(found.fetchone()[0])
    except sqlite3.Error:
        return 0  # nobody can read them


def forget(home: Path, persona: str) -> None:
    """Removes all that is kept for a persona; whoever is just asking ends at the next answer.

    Raises NotWritable.
    """
    place = _file(home, persona)
    with writing(place.parent):
        for name in (place.name, f"{place.name}-journal"):
            place.with_name(name).unlink(missing_ok=True)


@contextmanager
def _meaning(place: Path) -> Iterator[None]:
    """Says what the database's errors mean to a person."""
    try:
        yield
    except sqlite3.Error as error:
        match getattr(error, "sqlite_errorcode", None):
            case sqlite3.SQLITE_FULL:
                raise NotWritable(f"can't write to {place.parent}: {FULL_DISK}") from error
            case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
                raise NotWritable(
                    f"{place} is damaged; remove it, and the questions are asked anew"
                ) from error
            case sqlite3.SQLITE_READONLY_DBMOVED:
                raise AskingRefused(
                    "what was answered has been removed meanwhile, so nothing more is asked"
                ) from error
        raise NotWritable(f"can't write to {place}: {error}") from error


def _file(home: Path, persona: str) -> Path:
    return home / "questions" / f"{persona}.sqlite"


def _opened(place: Path) -> sqlite3.Connection:
    private(place.parent)
    database = sqlite3.connect(place, isolation_level=None)  # every statement is one commit
    try:
        database.execute("PRAGMA synchronous = FULL")
        database.execute(SCHEMA)
    except BaseException:
        database.close()
        raise
    return database
