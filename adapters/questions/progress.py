"""A bar on standard error that shows how many chunks are dealt with; on a terminal only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .finding import Watch, nobody_watches

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def shown(console: Console) -> Iterator[Watch]:
    """Where to tell how far the asking is."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    if not console.is_terminal:
        yield nobody_watches
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("asking for questions", total=None)
        yield lambda done, rows: progress.update(task, completed=done, total=rows)
