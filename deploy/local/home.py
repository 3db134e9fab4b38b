"""`$UNDERSTUDY_HOME`: the keys made once, and the notes by which processes find each other.

keys/inference  keys/admin      made once, mode 600
run/inference.json              address and pid of a live server, mode 600
logs/inference.log              what the children of `up` and `chat` print
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class HomeError(Exception):
    """The state folder can't be used; the message says what to do."""


class Home:
    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()

    def key(self, name: str) -> str:
        """The key of that name, made on first use. Two processes at once get the same one."""
        path = self._folder("keys") / name
        try:
            with contextlib.suppress(FileExistsError):
                _create(path, secrets.token_urlsafe(32))
            return path.read_text("ascii").strip()
        except OSError as error:
            raise HomeError(f"{path} can't be used: {error.strerror}") from error

    def log(self, name: str) -> Path:
        return self._folder("logs") / f"{name}.log"

    @contextmanager
    def announced(self, name: str, **facts: Any) -> Iterator[None]:
        """While it lasts, `run/NAME.json` tells other processes about this one."""
        path = self._folder("run") / f"{name}.json"
        try:
            _replace(path, json.dumps({**facts, "pid": os.getpid()}))
        except OSError as error:
            raise HomeError(f"{path} can't be written: {error.strerror}") from error
        try:
            yield
        finally:
            if (said := self.live(name)) and said["pid"] == os.getpid():
                path.unlink(missing_ok=True)

    def live(self, name: str) -> dict[str, Any] | None:
        """What a process announced under that name, if that process still runs."""
        try:
            facts = json.loads((self.root / "run" / f"{name}.json").read_text("utf-8"))
            os.kill(int(facts["pid"]), 0)
        except PermissionError:
            return dict(facts)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return dict(facts)

    def _folder(self, name: str) -> Path:
        path = self.root / name
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise HomeError(
                f"the state folder {self.root} can't be written ({error.strerror}): "
                "point UNDERSTUDY_HOME at a folder of yours"
            ) from error
        return path


def _create(path: Path, text: str) -> None:
    """A whole new file of mode 600, or FileExistsError: a link is never half-written."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text + "\n")
        os.link(temporary, path)
    finally:
        Path(temporary).unlink()


def _replace(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
