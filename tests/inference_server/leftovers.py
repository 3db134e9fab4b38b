"""Whether processes that a server started outlive it."""

from __future__ import annotations

import time
from collections.abc import Sequence

import psutil

GONE_WITHIN_S = 60


def family(pid: int) -> list[psutil.Process]:
    """All that a process has started, and all that they have."""
    return psutil.Process(pid).children(recursive=True)


def left_of(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Those that do not end within a while; a dead one that nobody has fetched has ended."""
    due = time.monotonic() + GONE_WITHIN_S
    while (left := [process for process in processes if _runs(process)]) and time.monotonic() < due:
        time.sleep(0.2)
    return left


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
