"""Personas and their versions as plain files: the only truth about what is served.

    personas/maya/persona.toml
    personas/maya/versions/3/{adapter_config.json, adapter_model.safetensors, manifest.json}
    personas/maya/current

A version is copied beside its place and appears whole, last, by one rename; `current` is
replaced, never rewritten. No name reaches a path before it is checked.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tomli_w
from pydantic import ValidationError

from .manifest import BASE, MANIFEST, NAME, Card, Manifest


class RegistryError(Exception):
    """The registry can't do that.

    RegistryError
    ├── BadName            not a persona's name at all
    ├── UnknownPersona     no such persona
    ├── UnknownVersion     no such version of the persona
    ├── BrokenEntry        a file of the registry can't be read or understood
    └── NotWritable        the folder can't be written
    """


class BadName(RegistryError):
    pass


class UnknownPersona(RegistryError):
    pass


class UnknownVersion(RegistryError):
    pass


class BrokenEntry(RegistryError):
    pass


class NotWritable(RegistryError):
    pass


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

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def at(cls, url: str) -> Registry:
        """The registry at REGISTRY_URL: a folder, given as a path or a `file://` URL."""
        path = url.removeprefix("file://")
        if "://" in path:
            raise RegistryError(f"REGISTRY_URL must be a folder, and {path.split('://')[0]} is not")
        return cls(Path(path).expanduser().absolute())

    def names(self) -> list[str]:
        """Every persona, by name."""
        found = (path.parent.name for path in self.root.glob("personas/*/persona.toml"))
        return sorted(name for name in found if NAME.fullmatch(name) and name != BASE)

    def card(self, name: str) -> Card:
        path = self._persona(name) / "persona.toml"
        try:
            return Card.model_validate({**tomllib.loads(path.read_text("utf-8")), "name": name})
        except FileNotFoundError:
            raise UnknownPersona(self._unknown(name)) from None
        except (OSError, ValueError) as error:
            raise BrokenEntry(f"{path} can't be read: {_reason(error)}") from error

    def save_card(self, card: Card) -> None:
        text = tomli_w.dumps(card.model_dump(mode="json", exclude={"name"}, exclude_none=True))
        with _writing(self.root):
            self._persona(card.name).mkdir(parents=True, exist_ok=True)
            _replace(self._persona(card.name) / "persona.toml", text)

    def versions(self, name: str) -> list[int]:
        """Published versions, oldest first; a folder without a manifest is not one."""
        found = self._persona(name).glob(f"versions/*/{MANIFEST}")
        return sorted(int(p.parent.name) for p in found if _is_number(p.parent.name))

    def path(self, name: str, version: int) -> Path:
        """The folder of a version, which exists."""
        folder = self._persona(name) / "versions" / str(version)
        if not (folder / MANIFEST).exists():
            raise UnknownVersion(self._no_version(name, version))
        return folder

    def manifest(self, name: str, version: int) -> Manifest:
        path = self.path(name, version) / MANIFEST
        try:
            return Manifest.model_validate_json(path.read_bytes())
        except (OSError, ValueError) as error:
            raise BrokenEntry(f"{path} can't be read: {_reason(error)}") from error

    def current(self, name: str) -> int | None:
        """The version the persona should serve; None means the base with the card's prompt."""
        path = self._persona(name) / "current"
        try:
            text = path.read_text("ascii", errors="replace").strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BrokenEntry(f"{path} can't be read: {error.strerror}") from error
        if not _is_number(text):
            raise BrokenEntry(f"{path} holds {text[:20]!r} where a version number should be")
        return int(text)

    def set_current(self, name: str, version: int) -> None:
        self.path(name, version)
        with _writing(self.root):
            _replace(self._persona(name) / "current", f"{version}\n")

    def publish(self, source: Path, manifest: Manifest) -> int:
        """Copy a version's files in under the next free number and return that number.

        `manifest.version` is a placeholder until now. The first version of a persona becomes
        current; later ones wait for a reload. Two publishers at once get two numbers.
        """
        versions = self._persona(manifest.persona) / "versions"
        with _writing(self.root):
            versions.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=versions, prefix=".incoming-") as incoming:
                whole = Path(incoming) / "version"
                whole.mkdir()
                for file in sorted(manifest.files):
                    _copy(source / file, whole / file)
                number = self._take_number(whole, versions, manifest)
        if self.current(manifest.persona) is None:
            self.set_current(manifest.persona, number)
        return number

    def _take_number(self, whole: Path, versions: Path, manifest: Manifest) -> int:
        number = max(self.versions(manifest.persona), default=0) + 1
        while True:
            numbered = manifest.model_copy(update={"version": number})
            _replace(whole / MANIFEST, numbered.model_dump_json(indent=2) + "\n")
            try:
                # A rename onto a version that is there fails, as that folder is not empty.
                whole.rename(versions / str(number))
            except (FileExistsError, OSError) as error:
                if not (versions / str(number)).exists():
                    raise error
                number += 1
            else:
                _sync(versions)
                return number

    def _persona(self, name: str) -> Path:
        return self.root / "personas" / checked(name)

    def _unknown(self, name: str) -> str:
        known = ", ".join(self.names())
        return f"there is no persona {name!r}" + (f"; there is: {known}" if known else " yet")

    def _no_version(self, name: str, version: int) -> str:
        known = ", ".join(map(str, self.versions(name)))
        return f"{name} has no version {version}" + (f"; it has: {known}" if known else " yet")


@contextmanager
def _writing(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NotWritable(f"the registry {root} can't be written: {error.strerror}") from error


def _replace(path: Path, text: str) -> None:
    """Write a file so that a reader finds the old text or the new, after a crash too."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync(path.parent)


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as reader, target.open("xb") as writer:
        shutil.copyfileobj(reader, writer)
        writer.flush()
        os.fsync(writer.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and text[0] != "0" and len(text) < 10


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"
    return str(error)
