"""A bar on standard error that shows how much of an export is read; on a terminal only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.messages import Watch, unwatched

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def shown(path: Path, console: Console) -> Iterator[Watch]:
    """Where to tell the share that is read."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    if not console.is_terminal:
        yield unwatched
        return
    size = path.stat().st_size if path.is_file() else 0
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(f"reading {path.name}", total=size or None)

        def watch(share: float) -> None:
            progress.update(task, completed=int(share * size))
            if share >= 1:
                progress.update(task, description="making rows")

        yield watch
