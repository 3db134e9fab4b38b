"""discord.py's log, calmer: no traceback for a lost connection, no word about voice."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

LOGGERS = ("discord.client", "discord.shard")
PASSING = ("Attempting a reconnect", "Failed to connect for shard")


class Calmer(logging.Filter):
    """A connection that comes back by itself is a warning with its reason, not a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        if "voice will NOT be supported" in str(record.msg):
            return False
        if record.exc_info and str(record.msg).startswith(PASSING):
            reason = record.exc_info[1]
            record.msg = f"the connection to Discord is gone (%s); {record.msg}"
            record.args = (type(reason).__name__, *(record.args or ()))
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            record.exc_info = None
        return True


@contextmanager
def calm() -> Iterator[None]:
    """While a client runs; logging is the process's, so it is put back after it."""
    calmer = Calmer()
    for name in LOGGERS:
        logging.getLogger(name).addFilter(calmer)
    try:
        yield
    finally:
        for name in LOGGERS:
            logging.getLogger(name).removeFilter(calmer)
