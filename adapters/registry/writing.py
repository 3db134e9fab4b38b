"""Files that appear whole or not at all, after a crash too. Knows nothing of personas."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import NotWritable

LEFT_BEHIND_AFTER_S = 24 * 3600


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
            flush(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    sync(path.parent)


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A hidden file in the same folder, which is gone after the block unless it was renamed."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove what killed writers left unfinished; what is young may still be written."""
    for left in folder.glob(".*-*"):
        try:
            if time.time() - left.stat().st_mtime < LEFT_BEHIND_AFTER_S:
                continue
        except OSError:
            continue
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def copy(source: Path, target: Path) -> None:
    with source.open("rb") as reader, target.open("xb") as writer:
        shutil.copyfileobj(reader, writer)
        writer.flush()
        flush(writer.fileno())


def flush(handle: int) -> None:
    os.fsync(handle)


def sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
