"""A bar on standard error that shows how much of an export is read; on a terminal only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from adapters.messages import Watch, unwatched

from .writing.address import Address, Source

if TYPE_CHECKING:
    from rich.console import Console


WHOLE = 1000
"""Parts of what is fetched: nobody knows its size."""


@contextmanager
def shown(path: Source, console: Console) -> Iterator[Watch]:
    """Where to tell the share that is read."""
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    if not console.is_terminal:
        yield unwatched
        return
    if fetched := isinstance(path, Address):
        size = WHOLE
    else:
        size = path.stat().st_size if path.is_file() else 0
    columns = (TextColumn("{task.description}"), BarColumn(),
               TaskProgressColumn() if fetched else DownloadColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=console, transient=True) as progress:
        doing = "fetching" if fetched else "reading"
        task = progress.add_task(f"{doing} {path.name}", total=size or None)

        def watch(share: float) -> None:
            progress.update(task, completed=int(share * size))
            if share >= 1:
                progress.update(task, description="making rows")

        yield watch
