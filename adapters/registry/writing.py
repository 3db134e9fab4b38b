"""Files that appear whole or not at all, after a crash too. Knows nothing of personas."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.folders import beside, sync

from .errors import NotWritable

UNFINISHED = ".*-*"
"""How `beside` and a publisher name what is not whole yet."""


@contextmanager
def writing(root: Path) -> Iterator[None]:
    """What the disk refuses inside the block is a sentence about the folder."""
    try:
        yield
    except OSError as error:
        raise NotWritable(f"the registry {root} can't be written: {error.strerror}") from error


def replace(path: Path, content: bytes) -> None:
    """Write a file so that a reader finds the old bytes or the new, after a crash too."""
    with beside(path) as temporary:
        with temporary.open("wb") as file:
            file.write(content)
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    sync(path.parent)


def copy(source: Path, target: Path) -> None:
    with source.open("rb") as reader, target.open("xb") as writer:
        shutil.copyfileobj(reader, writer)
        writer.flush()
        os.fsync(writer.fileno())
