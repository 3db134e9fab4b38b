"""Folders that appear whole: written beside their place and swapped in by renames.

A folder can't be replaced by one rename when it is not empty, so the old one steps aside first.
Whoever is killed between the two renames leaves it in its waiting place, and `settle` puts it
back. Knows nothing of what is inside.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LEFT_BEHIND_AFTER_S = 24 * 3600


class Taken(Exception):
    """Somebody else holds the lock."""


def private(folder: Path) -> None:
    """Makes the folder if need be, and lets nobody else than its owner into it: what lies in it is
    what people have written to each other."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        with suppress(PermissionError):  # its owner may have let us in on purpose
            folder.chmod(0o700)


@contextmanager
def replaced(target: Path) -> Iterator[Path]:
    """An empty folder to fill; it becomes `target` when the block ends well, else it vanishes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with locked(target, wait=True):
        for left in target.parent.glob(f".{target.name}.new-*"):
            _remove_unheld(left)
        fresh = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.new-"))
        handle = os.open(fresh, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_SH)
    try:
        yield fresh
        fresh.chmod(0o755)
        for file in fresh.iterdir():
            sync(file)
        with locked(target, wait=True):
            _swap(fresh, target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        os.close(handle)


def _remove_unheld(fresh: Path) -> None:
    """What a killed writer has left; the lock of one who lives holds it."""
    with suppress(OSError):
        handle = os.open(fresh, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(fresh, ignore_errors=True)
        finally:
            os.close(handle)


def clear(folder: Path) -> None:
    """Removes what killed writers of whatever target in this folder have left."""
    for left in folder.glob(".*.new-*"):
        with locked(folder / left.name[1:].rpartition(".new-")[0], wait=True):
            _remove_unheld(left)


def removed(target: Path) -> None:
    """`target` is gone at once, and what is left of replacing it; its files vanish after that."""
    if not target.parent.exists():
        return
    with locked(target, wait=True):
        aside = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.new-"))
        for place in (_waiting(target), target):
            if place.exists():
                place.rename(aside / place.name)
        shutil.rmtree(aside, ignore_errors=True)


def settle(target: Path) -> Path:
    """`target` itself, put back first if somebody was killed while replacing it."""
    if not target.exists() and _waiting(target).exists():
        with locked(target, wait=True):
            if not target.exists() and _waiting(target).exists():
                _waiting(target).rename(target)
    return target


@contextmanager
def locked(target: Path, *, wait: bool, purpose: str = "swap") -> Iterator[None]:
    """Holds the lock of `target` for one purpose; Taken when it is and this is not to wait.

    The lock is the system's, so it can't outlive its process.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    path = target.parent / f".{target.name}.{purpose}.lock"
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise Taken from None
        yield


def _swap(fresh: Path, target: Path) -> None:
    waiting = _waiting(target)
    if target.exists():
        shutil.rmtree(waiting, ignore_errors=True)
        target.rename(waiting)
    try:
        fresh.rename(target)
    except BaseException:
        if waiting.exists():
            waiting.rename(target)
        raise
    sync(target.parent)
    shutil.rmtree(waiting, ignore_errors=True)


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A hidden file in the same folder, which is gone after the block unless it was renamed."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def sweep(folder: Path, pattern: str) -> None:
    """Remove what killed writers left unfinished; what is young may still be written."""
    for left in folder.glob(pattern):
        try:
            if time.time() - left.stat().st_mtime < LEFT_BEHIND_AFTER_S:
                continue
        except OSError:
            continue  # its writer has just finished with it
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def _waiting(target: Path) -> Path:
    return target.parent / f".{target.name}.old"


def sync(path: Path) -> None:
    """Have the disk hold a file's bytes, or a folder's names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
