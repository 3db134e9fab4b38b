"""Who changed what, when, and what came of it: one JSON object a line, in a file of its own.

An action is written when it begins and when it ends, so that one that took the server down is
there too. Keys are known by their names only.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import TextIOWrapper
from itertools import count
from logging.handlers import RotatingFileHandler
from pathlib import Path
from time import monotonic
from typing import Any

from adapters.registry import RegistryError

from .errors import ServerError

log = logging.getLogger(__name__)

MAX_BYTES = 10 * 1024 * 1024
KEPT_FILES = 5


@dataclass(slots=True)
class Action:
    """Something that somebody with an admin key does to a persona."""

    outcome: str = ""


class Audit:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines = _File(path)
        self._numbers = count(1)

    @contextmanager
    def action(self, who: str, what: str, persona: str) -> Iterator[Action]:
        """Write an action down around its doing; a refusal is its outcome, and raised on."""
        facts = {"id": f"{os.getpid()}-{next(self._numbers)}", "who": who, "action": what}
        facts["persona"] = persona
        self._write({**facts, "event": "began"})
        action, began = Action(), monotonic()
        try:
            yield action
            action.outcome = action.outcome or "done"
        except (ServerError, RegistryError) as error:
            action.outcome = f"refused: {error}"
            raise
        except BaseException:
            action.outcome = "broken off"
            raise
        finally:
            seconds = round(monotonic() - began, 3)
            self._write({**facts, "event": "ended", "outcome": action.outcome, "seconds": seconds})
            log.info("admin (%s): %s %s: %s", who, what, persona, action.outcome)

    @property
    def trouble(self) -> str | None:
        """Why the last line could not be written, while none was written since."""
        return self._lines.trouble

    def close(self) -> None:
        self._lines.close()

    def _write(self, facts: dict[str, Any]) -> None:
        line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="milliseconds"), **facts})
        self._lines.emit(logging.makeLogRecord({"msg": line}))


class _File(RotatingFileHandler):
    """A file that only its owner reads, with older ones beside it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=MAX_BYTES, backupCount=KEPT_FILES, delay=True)
        self.trouble: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        self.trouble = None
        super().emit(record)

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        owners = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return os.fdopen(owners, "a", encoding="utf-8")

    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        why = error.strerror if isinstance(error, OSError) else type(error).__name__
        self.trouble = f"{self.baseFilename} can't be written: {why}"
        log.error("the audit log %s can't be written; it misses: %s", self.baseFilename, record.msg)
