"""Who holds which key: several at once for each door, so that one can be changed at leisure.

Keys come from settings and from files that are read again when they change. Only digests stay in
memory, and a key is known by the name it was given, which is what logs say.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from time import monotonic

from pydantic import SecretStr

from .errors import CannotServe
from .settings import ServerSettings

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
MAX_FILE_BYTES = 1024 * 1024
MIN_NAMED_CHARACTERS = 8
KEY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class Door(Enum):
    """Which key opens a route."""

    OPEN = "open"
    INFERENCE = "inference"
    ADMIN = "admin"
    METRICS = "metrics"


@dataclass(frozen=True, slots=True)
class Key:
    name: str
    digest: bytes


class BadKeys(CannotServe):
    """Keys that can't guard a server; the sentence names none of them."""


class Keys:
    """The keys of every door. Raises BadKeys where they can't guard a server."""

    def __init__(
        self,
        given: Mapping[Door, list[Key]],
        files: Mapping[Door, Path] | None = None,
        open_doors: Collection[Door] = (Door.OPEN,),
    ) -> None:
        self._given, self._files, self._open = given, dict(files or {}), frozenset(open_doors)
        self.trouble: str | None = None
        """Why the keys are older than their files: one that was taken out of a file still opens."""
        self._seen = self._look()
        self._keys = self._read()
        self._due = monotonic() + LOOK_EVERY_S

    @classmethod
    def of(cls, settings: ServerSettings) -> Keys:
        given = {
            Door.INFERENCE: _given(
                "INFERENCE_API_KEY", settings.inference_api_key, settings.inference_api_keys
            ),
            Door.ADMIN: _given("ADMIN_API_KEY", settings.admin_api_key, settings.admin_api_keys),
        }
        if settings.metrics == "key":
            given[Door.METRICS] = _given("METRICS_API_KEY", settings.metrics_api_key)
        files = {
            Door.INFERENCE: settings.inference_api_keys_file,
            Door.ADMIN: settings.admin_api_keys_file,
        }
        open_doors = [Door.OPEN, *([Door.METRICS] if settings.metrics == "open" else [])]
        return cls(given, {door: path for door, path in files.items() if path}, open_doors)

    def stands_open(self, door: Door) -> bool:
        return door in self._open

    def is_there(self, door: Door) -> bool:
        """Whether the door can be opened at all, with a key or without."""
        return door in self._open or door in self._keys

    def holder(self, door: Door, authorization: list[bytes]) -> str | None:
        """Whose key the Authorization headers hold, of which there must be one; None: nobody's."""
        self._refresh()
        if len(authorization) != 1:
            return None
        scheme, _, sent = authorization[0].partition(b" ")
        digest, found = sha256(sent.strip()).digest(), None
        for key in self._keys.get(door, ()):  # all of them, so that time tells nothing
            if compare_digest(digest, key.digest):
                found = key.name
        return found if scheme.lower() == b"bearer" else None

    def _refresh(self) -> None:
        """Read files that have changed; what can't be read leaves the keys as they were."""
        if not self._files or monotonic() < self._due:
            return
        self._due = monotonic() + LOOK_EVERY_S
        seen = self._look()
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._keys = self._read()
        except BadKeys as error:
            self.trouble = f"keys stay as they were: {error}"
            log.error("%s", self.trouble)
        else:
            self.trouble = None
            names = [key.name for keys in self._keys.values() for key in keys]
            log.info("keys were read again: %s", ", ".join(names))

    def _look(self) -> dict[Door, tuple[int, int, int] | None]:
        return {door: _mark(path) for door, path in self._files.items()}

    def _read(self) -> dict[Door, list[Key]]:
        keys = {door: list(given) for door, given in self._given.items()}
        for door, path in self._files.items():
            keys[door] = [*keys.get(door, ()), *_from_file(door, path)]
        _check(keys)
        return keys


def _check(keys: Mapping[Door, list[Key]]) -> None:
    owner: dict[bytes, Door] = {}
    for door, its_keys in keys.items():
        setting = f"{door.name}_API_KEY"
        if not its_keys:
            raise BadKeys(f"{setting} is not set: the server will not serve without it")
        names = [key.name for key in its_keys]
        if len(set(names)) < len(names):
            raise BadKeys(f"two keys of {setting}S have the same name; give each its own")
        for key in its_keys:
            if owner.setdefault(key.digest, door) is not door:
                other = f"{owner[key.digest].name}_API_KEY"
                raise BadKeys(f"{other} and {setting} must not be the same key")


def _given(setting: str, one: SecretStr, several: SecretStr | None = None) -> list[Key]:
    """The single key, which is called by its setting, and those named in the plural one."""
    key = one.get_secret_value()
    found = [_key(setting, key, setting)] if key else []
    for entry in several.get_secret_value().split() if several else ():
        name, equals, value = entry.partition("=")
        if not equals:
            raise BadKeys(f"{setting}S must be NAME=KEY NAME=KEY …, and one has no name")
        found.append(_key(name, value, f"{setting}S"))
    return found


def _from_file(door: Door, path: Path) -> Iterator[Key]:
    setting = f"{door.name}_API_KEYS_FILE"
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise BadKeys(f"{setting}: {path} can't be read: {why}") from None
    if len(text) > MAX_FILE_BYTES:
        raise BadKeys(f"{setting}: {path} is larger than {MAX_FILE_BYTES >> 20} MiB")
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.split()
        if len(parts) != 2:
            raise BadKeys(f"{setting}: line {number} of {path} must be a name, a space and a key")
        yield _key(parts[0], parts[1], f"{setting}, line {number}")


def _key(name: str, value: str, where: str) -> Key:
    if not KEY_NAME.fullmatch(name):
        raise BadKeys(f"{where}: a key's name is 1 to 64 of A-Z, a-z, 0-9, '_', '.' and '-'")
    # A key that was given no name may end in '=' and look like one: its "name" is not repeated.
    if len(value) < MIN_NAMED_CHARACTERS and name != where:
        raise BadKeys(
            f"{where}: a named key has {MIN_NAMED_CHARACTERS} characters at least, and one is "
            "shorter or has no name"
        )
    if not value.isascii() or any(c.isspace() or not c.isprintable() for c in value):
        raise BadKeys(f"{where} holds spaces or characters outside ASCII")
    return Key(name, sha256(value.encode()).digest())


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
