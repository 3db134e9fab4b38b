"""What a running server uses of the machine, itself and all it started, as Linux counts it."""

from __future__ import annotations

from pathlib import Path

import psutil


def family(pid: int) -> list[psutil.Process]:
    """A process and everything below it."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def cpu_seconds(pid: int) -> float:
    """The processor time of the threads that a process has now, to the nanosecond."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def resident_mb(pid: int) -> float:
    """The memory of a process and everything below it; what they share is counted once."""
    return sum(float(member.memory_full_info().pss) for member in family(pid)) / 2**20
