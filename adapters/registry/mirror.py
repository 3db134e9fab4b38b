"""A registry at a URL, mirrored into a folder of the same layout, from which all is read.

A look at the remote brings cards, `current` files and manifests; a version's own files come when
it is fetched, checked against its manifest. What the remote says is judged before it reaches a
path. When the remote can't be reached the mirror stays as it was, and so does what is served.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import count
from pathlib import Path
from threading import Lock
from typing import ClassVar
from uuid import uuid4

from adapters.folders import beside, sweep, sync
from adapters.manifest import BASE, MANIFEST, NAME, Card, Manifest, file_digest

from .errors import BrokenEntry, Unreachable
from .folder import (
    CARD,
    CURRENT,
    REVOKED,
    Registry,
    as_current,
    as_json,
    as_moment,
    as_toml,
    checked,
)
from .reading import MAX_BYTES
from .remote import Listed, Remote, without_credentials
from .writing import UNFINISHED, replace, writing

CLAIM = ".claim"
"""A publisher's mark on a version's number, made before anything else of the version."""
MIRRORED = re.compile(
    rf"personas/(?!{BASE}/)(?:{NAME.pattern})/"
    rf"(?:{CARD}|{CURRENT}|{REVOKED}/[1-9][0-9]{{0,8}}|versions/[1-9][0-9]{{0,8}}/{MANIFEST})"
)
ORDER = (REVOKED, MANIFEST, CURRENT, CARD)
"""What is named is written before what names it."""
FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
MAX_FILE_BYTES = 2 * 1024**3
MAX_FILES = 32
READERS = 8

Stamp = tuple[int, int, int]


class Mirror(Registry):
    """Methods raise Unreachable where the remote has to be asked and does not answer."""

    remote: ClassVar[bool] = True

    def __init__(self, place: Remote, root: Path) -> None:
        super().__init__(root)
        self._place = place
        self._lock = Lock()
        self._mirrored: dict[str, tuple[str, Stamp | None]] = {}
        self._whole: dict[Path, tuple[str, Stamp | None]] = {}

    @classmethod
    def of(cls, url: str, cache: Path | None = None) -> Mirror:
        """The mirror of a URL, below `cache` in a folder of its own. Raises RegistryError."""
        place = Remote(url)
        digest = hashlib.sha256(without_credentials(url).encode()).hexdigest()[:16]
        return cls(place, (cache or _default_cache()).expanduser().absolute() / digest)

    def refresh(self) -> None:
        """Mirror what is new or gone at the remote; nothing of it where the remote fails."""
        with self._lock:
            listed = {k: v for k, v in self._place.listing().items() if MIRRORED.fullmatch(k)}
            changed = [key for key, entry in listed.items() if not self._has(key, entry)]
            contents = self._read(changed, listed)
            with writing(self.root):
                sweep(self._incoming(), UNFINISHED)
                for key in sorted(contents, key=_rank):
                    self._keep(key, contents[key])
                    self._mirrored[key] = (listed[key].token, _stamp(self.root / key))
                for key in self._gone(listed):
                    self._forget(key)

    def fetch(self, name: str, version: int) -> Path:
        folder = self.path(name, version)
        files = self.manifest(name, version).files
        if len(files) > MAX_FILES:
            raise BrokenEntry(f"the manifest of {name}@{version} names more than {MAX_FILES} files")
        for file in files:
            _plain(file, f"{name}@{version}")
        for file, digest in files.items():
            if not self._is_whole(folder / file, digest):
                self._download(name, version, file, digest)
        return folder

    def save_card(self, card: Card) -> None:
        with self._lock:
            self._place.write(f"{_home(card.name)}/{CARD}", as_toml(card))
            super().save_card(card)

    def set_current(self, name: str, version: int) -> None:
        self.path(name, version)
        with self._lock:
            key, wanted = f"{_home(name)}/{CURRENT}", as_current(version)
            try:
                self._place.write(key, wanted)
            except Unreachable:
                if self._place.read(key) != wanted:  # else only the answer was lost
                    raise
            super().set_current(name, version)

    def revoke(self, name: str, version: int, at: datetime) -> None:
        self.path(name, version)
        with self._lock:
            self._place.write(f"{_home(name)}/{REVOKED}/{version}", as_moment(at))
            super().revoke(name, version, at)

    def publish(self, source: Path, manifest: Manifest) -> int:
        """Copy a version's files there under a free number, the manifest last; the number.

        The number is claimed first, so that two publishers at once get two. What was broken off
        has no manifest and is no version; its number is not given again.
        """
        name = checked(manifest.persona)
        for file in sorted(manifest.files):
            if not (source / _plain(file, f"this version of {name}")).is_file():
                raise BrokenEntry(f"{source / file} is missing")
        self.refresh()
        number = self._claim(name)
        for file in sorted(manifest.files):
            self._place.upload(f"{_home(name, number)}/{file}", source / file)
        numbered = manifest.model_copy(update={"version": number})
        self._place.write(f"{_home(name, number)}/{MANIFEST}", as_json(numbered))
        self.refresh()
        if self.current(name) is None:
            self._place.create(f"{_home(name)}/{CURRENT}", as_current(number))
            self.refresh()
        return number

    def _claim(self, name: str) -> int:
        mark = uuid4().hex.encode()
        for number in count(max(self.versions(name), default=0) + 1):
            key = f"{_home(name, number)}/{CLAIM}"
            # Read again, as a store that can't create exclusively lets the last writer win.
            if self._place.create(key, mark) and self._place.read(key) == mark:
                return number
        raise AssertionError("numbers do not end")

    def _has(self, key: str, entry: Listed) -> bool:
        """Whether the mirror holds exactly that, and no other process wrote over it since."""
        return self._mirrored.get(key) == (entry.token, _stamp(self.root / key))

    def _read(self, keys: Iterable[str], listed: dict[str, Listed]) -> dict[str, bytes]:
        """The entries' contents; what went away meanwhile is left out."""
        with ThreadPoolExecutor(READERS) as pool:
            reading = {key: pool.submit(self._entry, key, listed[key].size) for key in keys}
            try:
                contents = {key: future.result() for key, future in reading.items()}
            finally:
                pool.shutdown(cancel_futures=True)
        return {key: content for key, content in contents.items() if content is not None}

    def _entry(self, key: str, size: int) -> bytes | None:
        content = self._place.read(key) if size <= MAX_BYTES else b""
        return b"" if content is not None and len(content) > MAX_BYTES else content

    def _keep(self, key: str, content: bytes) -> None:
        path = self.root / key
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace(path, content)

    def _gone(self, listed: dict[str, Listed]) -> list[str]:
        found = (path.relative_to(self.root).as_posix() for path in self.root.glob("personas/**/*"))
        gone = (key for key in found if MIRRORED.fullmatch(key) and key not in listed)
        return sorted(gone, key=_rank, reverse=True)

    def _forget(self, key: str) -> None:
        """Take an entry away, a version with its files: what was withdrawn stays nowhere."""
        path = self.root / key
        path.unlink(missing_ok=True)
        self._mirrored.pop(key, None)
        if path.name == MANIFEST:
            shutil.rmtree(path.parent, ignore_errors=True)

    def _is_whole(self, path: Path, digest: str) -> bool:
        """Whether a file is there with that digest; it is computed once while the file stays."""
        if not path.is_file():
            return False
        if self._whole.get(path) != (digest, _stamp(path)):
            self._whole[path] = (file_digest(path), _stamp(path))
        return self._whole[path][0] == digest

    def _download(self, name: str, version: int, file: str, digest: str) -> None:
        key, what = f"{_home(name, version)}/{file}", f"{file} of {name}@{version}"
        size = self._place.size(key)
        if size is None:
            raise BrokenEntry(f"{what} is missing in the registry; publish the version anew")
        if size > MAX_FILE_BYTES:
            raise BrokenEntry(f"{what} is larger than {MAX_FILE_BYTES >> 30} GiB and not fetched")
        with writing(self.root), beside(self._incoming() / file) as temporary:
            if _save(self._place.chunks(key, size), temporary, size) != digest:
                raise BrokenEntry(
                    f"{what} is not the file that its manifest names: its SHA-256 differs, and "
                    "versions never change; publish a new one"
                )
            temporary.chmod(0o644)
            temporary.replace(self.root / key)
            sync((self.root / key).parent)
            self._whole[self.root / key] = (digest, _stamp(self.root / key))

    def _incoming(self) -> Path:
        folder = self.root / "incoming"
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _save(chunks: Iterator[bytes], path: Path, size: int) -> str:
    """Write what comes, not more than `size` bytes of it, and return its SHA-256."""
    digest, left = hashlib.sha256(), size
    with path.open("wb") as file:
        for chunk in chunks:
            left -= len(chunk)
            if left < 0:
                break  # it sends more than was asked for: the digest will not be right
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _home(name: str, version: int | None = None) -> str:
    folder = f"personas/{checked(name)}"
    return folder if version is None else f"{folder}/versions/{version}"


def _plain(file: str, whose: str) -> str:
    """The name itself, if a manifest may name such a file; else BrokenEntry."""
    if not FILE_NAME.fullmatch(file) or file == MANIFEST:
        raise BrokenEntry(f"the manifest of {whose} names {file[:40]!r}, which is no plain file")
    return file


def _rank(key: str) -> tuple[int, str]:
    folder, _, name = key.rpartition("/")
    return ORDER.index(name if name in ORDER else folder.rpartition("/")[2]), key


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _default_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "understudy" / "registry"
