"""The entries of an export: a lone file, a folder or a zip, read in place and in bounded memory.

Nothing is unpacked, and an entry's name is only ever a key: no path is made of it. Knows nothing
of what the entries mean.
"""

from __future__ import annotations

import codecs
import io
import lzma
import os
import re
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

from adapters.errors import BadExport
from adapters.messages import Watch, unwatched

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_ENTRIES = 200_000
MAX_BYTES = 8 << 30
"""Of all entries together."""
MAX_RATIO = 200
"""Chats shrink five- to fiftyfold in a zip; what grows more than this is made to fill memory."""
UNSUSPICIOUS_BYTES = 16 << 20
MAX_LINE_CHARACTERS = 1 << 20
HEAD_BYTES = 16 << 10
ALIKE, MAX_GLANCED = 20, 2_000
"""Entries that differ in digits alone, and of all kinds, that are looked into."""
ZIP_ERRORS = (
    zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError, zlib.error, lzma.LZMAError,
    struct.error, ValueError, IndexError, OverflowError,
)  # fmt: skip
TEXTS = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".txt", ".html", ".md", ".log",
         ".weechatlog", ".script")  # fmt: skip
DIGITS = re.compile(r"\d+")


@dataclass
class Export:
    """An opened export: what it holds, and how to read it."""

    path: Path
    names: tuple[str, ...]
    """Of files, with forward slashes, in alphabetical order."""
    opener: Callable[[str], IO[bytes]]
    packed: dict[str, int] = field(default_factory=dict)
    """Bytes of zipped entries, as packed."""
    bytes_to_read: int = 0
    """As far as is known before; what is no text is not read."""
    most_bytes: int = MAX_BYTES
    watch: Watch = unwatched
    bytes_read: int = 0
    heads: dict[str, bytes] = field(default_factory=dict)

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        with (
            self.opener(name) as raw,
            io.BufferedReader(_Bounded(self, name, raw), 1 << 16) as file,
        ):
            yield file

    def glance(self) -> Export:
        """The same with a few entries of each kind of name: enough to tell what it is."""
        shapes: Counter[str] = Counter()
        few = []
        for name in self.names:
            shape = DIGITS.sub("#", name.rpartition("/")[2])
            shapes[shape] += 1
            if shapes[shape] <= ALIKE:
                few.append(name)
        return replace(self, names=tuple(few[:MAX_GLANCED]), heads={})

    def head(self, name: str) -> bytes:
        """The first kilobytes of an entry."""
        if name in self.heads:
            return self.heads[name]
        with self.open(name) as file:
            head = file.read(HEAD_BYTES)
        if len(self.heads) < MAX_GLANCED:
            self.heads[name] = head
        return head

    def head_text(self, name: str) -> str:
        head = self.head(name)
        return head.decode("utf-16" if _utf16(head) else "utf-8-sig", "replace")

    def lines(self, name: str) -> Iterator[str]:
        """Physical lines without their ends; only newlines end one."""
        encoding = "utf-16" if _utf16(self.head(name)) else "utf-8-sig"
        with (
            self.open(name) as file,
            io.TextIOWrapper(file, encoding, errors="replace", newline="\n") as text,
        ):
            number = 0
            while line := text.readline(MAX_LINE_CHARACTERS):
                number += 1
                if len(line) == MAX_LINE_CHARACTERS:
                    raise BadExport(
                        f"line {number} of {name} never ends; this is not a chat export"
                    )
                yield line.rstrip("\r\n")

    def ending(self, *suffixes: str) -> list[str]:
        """The names that end so, whatever their letters' case."""
        return [name for name in self.names if name.lower().endswith(suffixes)]


@contextmanager
def opened(path: Path, watch: Watch = unwatched, passes: int = 1) -> Iterator[Export]:
    """The export at `path`. Raises BadExport with a sentence, also for what reading runs into.

    `watch` is told how far the reading is, where all texts are read so many times.
    """
    with _opened(path) as export:
        export.watch = watch
        export.bytes_to_read *= passes
        export.most_bytes *= passes
        yield export


@contextmanager
def _opened(path: Path) -> Iterator[Export]:
    try:
        if not path.exists():
            raise BadExport(f"there is no file {path}; check the path of the export")
        if path.is_dir():
            yield _folder(path)
        elif path.stat().st_size == 0:
            raise BadExport(f"{path} is empty; export the chat again")
        elif zipfile.is_zipfile(path):
            with _unzipping(path):
                archive = zipfile.ZipFile(path)
            with archive:
                yield _archive(path, archive)
        else:
            size = path.stat().st_size
            yield Export(path, (path.name,), lambda _: path.open("rb"), bytes_to_read=size)
    except OSError as error:
        raise BadExport(f"{path} can't be read: {error.strerror or error}") from error


@contextmanager
def _unzipping(path: Path) -> Iterator[None]:
    """Turns all that a broken zip makes its reader raise into one sentence."""
    try:
        yield
    except ZIP_ERRORS as error:
        raise BadExport(f"{path} is a zip that can't be read: {error}") from error


def _folder(path: Path) -> Export:
    files: dict[str, Path] = {}
    for folder, _, inside in os.walk(path):
        for name in inside:
            file = Path(folder, name)
            if file.is_file() and not file.is_symlink():
                files[_shown(file.relative_to(path).as_posix())] = file
            _bound(path, len(files))
    size = sum(file.stat().st_size for name, file in files.items() if _is_text(name))
    names = tuple(sorted(files))
    return Export(path, names, lambda name: files[name].open("rb"), bytes_to_read=size)


def _archive(path: Path, archive: zipfile.ZipFile) -> Export:
    _bound(path, len(archive.filelist))
    members = {
        _shown(info.filename): info
        for info in archive.filelist
        if info.filename
        and not info.filename.endswith("/")
        and not info.filename.startswith("__MACOSX/")
    }

    def opener(name: str) -> IO[bytes]:
        with _unzipping(path):
            return archive.open(members[name])

    packed = {name: info.compress_size for name, info in members.items()}
    size = sum(info.file_size for name, info in members.items() if _is_text(name))
    return Export(path, tuple(sorted(members)), opener, packed, size)


def _shown(name: str) -> str:
    """A name as it can be shown: what steers a terminal is not."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in name)


def _is_text(name: str) -> bool:
    return name.lower().endswith(TEXTS)


def _bound(path: Path, count: int) -> None:
    if count > MAX_ENTRIES:
        raise BadExport(
            f"{path} holds more than {MAX_ENTRIES:,} files; name the folder of the chats alone"
        )


def _utf16(head: bytes) -> bool:
    return head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


class _Bounded(io.RawIOBase):
    """An entry's bytes, counted as they come: a zip's own idea of its size may be a lie."""

    def __init__(self, export: Export, name: str, raw: IO[bytes]) -> None:
        self._export, self._name, self._raw, self._read = export, name, raw, 0
        most = max(UNSUSPICIOUS_BYTES, export.packed.get(name, 0) * MAX_RATIO)
        self._most = most if export.packed else MAX_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        target = memoryview(buffer).cast("B")
        with _unzipping(self._export.path):
            data = self._raw.read(len(target))
        target[: len(data)] = data
        self._read += len(data)
        self._export.bytes_read += len(data)
        if self._read > self._most:
            raise BadExport(
                f"{self._name} in {self._export.path} grows more than {MAX_RATIO}-fold when it is "
                "unpacked, as no chat does; if you trust it, unzip it and name the folder"
            )
        if self._export.bytes_read > self._export.most_bytes:
            raise BadExport(f"{self._export.path} holds more than {MAX_BYTES >> 30} GiB; split it")
        self._export.watch(min(1.0, self._export.bytes_read / max(1, self._export.bytes_to_read)))
        return len(data)
