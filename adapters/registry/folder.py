"""Personas and their versions as plain files: the only truth about what is served.

    personas/maya/persona.toml
    personas/maya/versions/3/{adapter_config.json, adapter_model.safetensors, manifest.json}
    personas/maya/current
    personas/maya/revoked/3

A version is copied beside its place and appears whole, last, by one rename; `current` is
replaced, never rewritten. Versions never change, so that somebody withdrew their consent to one is
told by a file of its number, with the time. No name reaches a path before it is checked.
"""

from __future__ import annotations

import tempfile
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import tomli_w
from pydantic import ValidationError

from adapters.folders import sweep, sync
from adapters.manifest import BASE, MANIFEST, NAME, Card, Manifest

from .errors import (
    BadName,
    BrokenEntry,
    UnknownPersona,
    UnknownVersion,
    Unreachable,
)
from .reading import read
from .writing import UNFINISHED, copy, replace, writing

CARD, CURRENT, REVOKED = "persona.toml", "current", "revoked"


def checked(name: str) -> str:
    """The name itself, if it may be a persona's; else BadName."""
    if name == BASE:
        raise BadName(f"'{BASE}' is the base model's own name; choose another one")
    if not NAME.fullmatch(name):
        raise BadName(
            f"{name[:40]!r} can't be a persona's name: use 1 to 32 of a-z, 0-9 and '-', "
            "beginning with a letter or digit"
        )
    return name


class Registry:
    """A registry in a folder. Methods raise RegistryError with a sentence for the owner."""

    remote: ClassVar[bool] = False
    """Whether it is elsewhere, so that it has to be looked at to see what is new."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def at(cls, url: str, cache: Path | None = None) -> Registry:
        """The registry at REGISTRY_URL: a folder, or any URL of fsspec, mirrored below `cache`."""
        path = url.removeprefix("file://")
        if "://" in path:
            from .mirror import Mirror

            return Mirror.of(url, cache)
        return Registry(Path(path).expanduser().absolute())

    def refresh(self) -> None:
        """Look whether it can be read, and what is new there. Raises Unreachable."""
        try:
            next(self.root.iterdir(), None)
            if (personas := self.root / "personas").exists():
                next(personas.iterdir(), None)
        except OSError as error:
            raise Unreachable(f"the registry {self.root} can't be read: {error.strerror}") from None

    def names(self) -> list[str]:
        """Every persona, by name."""
        found = (path.parent.name for path in self.root.glob(f"personas/*/{CARD}"))
        return sorted(name for name in found if NAME.fullmatch(name) and name != BASE)

    def card(self, name: str) -> Card:
        path = self._persona(name) / CARD
        try:
            return Card.model_validate({**tomllib.loads(read(path).decode()), "name": name})
        except FileNotFoundError:
            raise UnknownPersona(self._unknown(name)) from None
        except (OSError, ValueError) as error:
            raise BrokenEntry(f"{path} can't be read: {_reason(error)}") from error

    def save_card(self, card: Card) -> None:
        with writing(self.root):
            self._persona(card.name).mkdir(parents=True, exist_ok=True)
            replace(self._persona(card.name) / CARD, as_toml(card))

    def versions(self, name: str) -> list[int]:
        """Published versions, oldest first; a folder without a manifest is not one."""
        found = self._persona(name).glob(f"versions/*/{MANIFEST}")
        return sorted(int(p.parent.name) for p in found if is_number(p.parent.name))

    def path(self, name: str, version: int) -> Path:
        """The folder of a version, which exists."""
        folder = self._persona(name) / "versions" / str(version)
        if not (folder / MANIFEST).exists():
            raise UnknownVersion(self._no_version(name, version))
        return folder

    def fetch(self, name: str, version: int) -> Path:
        """The folder of a version with all of its files in it; may take its time."""
        return self.path(name, version)

    def sealed(self, name: str, version: int) -> bytes:
        """A version's manifest, byte for byte."""
        path = self.path(name, version) / MANIFEST
        try:
            return read(path)
        except OSError as error:
            raise BrokenEntry(f"{path} can't be read: {error.strerror or error}") from error

    def manifest(self, name: str, version: int) -> Manifest:
        path = self.path(name, version) / MANIFEST
        try:
            return Manifest.model_validate_json(read(path))
        except (OSError, ValueError) as error:
            raise BrokenEntry(f"{path} can't be read: {_reason(error)}") from error

    def current(self, name: str) -> int | None:
        """The version the persona should serve; None means the base with the card's prompt."""
        path = self._persona(name) / CURRENT
        try:
            text = read(path).decode("ascii", errors="replace").strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BrokenEntry(f"{path} can't be read: {error.strerror or error}") from error
        if not is_number(text):
            raise BrokenEntry(f"{path} holds {text[:20]!r} where a version number should be")
        return int(text)

    def current_since(self, name: str, version: int) -> datetime | None:
        """Since when this version is current; None where it is not, or nobody can tell: the files
        of a registry elsewhere are as old as the last look at it."""
        try:
            if self.remote or self.current(name) != version:
                return None
            changed_s = (self._persona(name) / CURRENT).stat().st_mtime
        except (OSError, BrokenEntry):
            return None
        return datetime.fromtimestamp(int(changed_s), UTC)

    def set_current(self, name: str, version: int) -> None:
        self.path(name, version)
        with writing(self.root):
            replace(self._persona(name) / CURRENT, as_current(version))

    def revoked(self, name: str) -> list[int]:
        """Versions that learned from somebody who has withdrawn their consent since."""
        found = self._persona(name).glob(f"{REVOKED}/*")
        return sorted(int(path.name) for path in found if is_number(path.name))

    def revoke(self, name: str, version: int, at: datetime) -> None:
        """Mark a version so, for good."""
        self.path(name, version)
        with writing(self.root):
            path = self._persona(name) / REVOKED / str(version)
            path.parent.mkdir(exist_ok=True)
            replace(path, as_moment(at))

    def publish(self, source: Path, manifest: Manifest) -> int:
        """Copy a version's files in under the next free number and return that number.

        `manifest.version` is a placeholder until now. The first version of a persona becomes
        current; later ones wait for a reload. Two publishers at once get two numbers.
        """
        versions = self._persona(manifest.persona) / "versions"
        with writing(self.root):
            versions.mkdir(parents=True, exist_ok=True)
            for folder in (versions, versions.parent):
                sweep(folder, UNFINISHED)
            with tempfile.TemporaryDirectory(dir=versions, prefix=".incoming-") as incoming:
                whole = Path(incoming) / "version"
                whole.mkdir()
                for file in sorted(manifest.files):
                    copy(source / file, whole / file)
                number = self._take_number(whole, versions, manifest)
        if self.current(manifest.persona) is None:
            self.set_current(manifest.persona, number)
        return number

    def _take_number(self, whole: Path, versions: Path, manifest: Manifest) -> int:
        number = max(self.versions(manifest.persona), default=0) + 1
        while True:
            numbered = manifest.model_copy(update={"version": number})
            replace(whole / MANIFEST, as_json(numbered))
            try:
                # A rename onto a version that is there fails, as that folder is not empty.
                whole.rename(versions / str(number))
            except OSError as error:
                if not (versions / str(number)).exists():
                    raise error
                number += 1
            else:
                sync(versions)
                return number

    def _persona(self, name: str) -> Path:
        return self.root / "personas" / checked(name)

    def _unknown(self, name: str) -> str:
        known = ", ".join(self.names())
        return f"there is no persona {name!r}" + (f"; there is: {known}" if known else " yet")

    def _no_version(self, name: str, version: int) -> str:
        known = ", ".join(map(str, self.versions(name)))
        return f"{name} has no version {version}" + (f"; it has: {known}" if known else " yet")


def as_toml(card: Card) -> bytes:
    fields = card.model_dump(mode="json", exclude={"name"}, exclude_none=True)
    return tomli_w.dumps(fields).encode()


def as_current(version: int) -> bytes:
    return f"{version}\n".encode()


def as_moment(at: datetime) -> bytes:
    return f"{at.isoformat()}\n".encode()


def as_json(manifest: Manifest) -> bytes:
    return (manifest.model_dump_json(indent=2) + "\n").encode()


def is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and text[0] != "0" and len(text) < 10


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        where = ascii(".".join(map(str, first["loc"])))[1:-1]
        return f"{where[:120] or 'the file'}: {first['msg'][:200]}"
    return str(error)
