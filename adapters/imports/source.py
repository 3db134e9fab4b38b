"""The text lines of an export: a text file, a zip that holds one, or the folder it was unzipped to.

Reads in place and in bounded memory; knows nothing of what the lines mean.
"""

from __future__ import annotations

import codecs
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from adapters.errors import BadExport

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_BYTES = 1 << 30
MAX_LINE_CHARACTERS = 1 << 20


def lines(path: Path) -> Iterator[str]:
    """Physical lines without their ends. Raises BadExport where there is no text to read."""
    try:
        with _opened(path) as binary:
            yield from _decoded(binary, path)
    except OSError as error:
        raise BadExport(f"{path} can't be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError, zlib.error) as error:
        raise BadExport(f"{path} is a zip that can't be read: {error}") from error


def _decoded(binary: IO[bytes], path: Path) -> Iterator[str]:
    head = binary.read(4)
    utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    bounded = io.BufferedReader(_Bounded(head, binary, path), 1 << 18)
    # Only newlines end a line: U+2028 or a form feed inside a message is part of it.
    with io.TextIOWrapper(
        bounded, encoding="utf-16" if utf16 else "utf-8-sig", errors="replace", newline="\n"
    ) as text:
        number = 0
        while line := text.readline(MAX_LINE_CHARACTERS):
            number += 1
            if len(line) == MAX_LINE_CHARACTERS:
                raise BadExport(f"line {number} of {path} never ends; this is not a chat export")
            yield line.rstrip("\r\n")


class _Bounded(io.RawIOBase):
    """Bytes up to a limit, counted as they come: a zip's own idea of its size may be a lie."""

    def __init__(self, head: bytes, binary: IO[bytes], path: Path) -> None:
        self._head, self._binary, self._path, self._left = head, binary, path, MAX_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        target = memoryview(buffer).cast("B")
        data = self._head or self._binary.read(len(target))
        data, self._head = data[: len(target)], data[len(target) :]
        self._left -= len(data)
        if self._left < 0:
            raise BadExport(
                f"{self._path} holds more than {MAX_BYTES >> 30} GiB of text; split it first"
            )
        target[: len(data)] = data
        return len(data)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    if not path.exists():
        raise BadExport(f"there is no file {path}; check the path of the export")
    if path.is_dir():
        path = path / _chosen([file.name for file in path.glob("*.txt")], path)
    if path.stat().st_size == 0:
        raise BadExport(f"{path} is empty; export the chat again")
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive:
        names = [n for n in archive.namelist() if not n.startswith("__MACOSX/")]
        with archive.open(_chosen([n for n in names if n.endswith(".txt")], path)) as member:
            yield member


def _chosen(names: list[str], path: Path) -> str:
    """The chat's own text among an archive's text files (documents sent may be texts too)."""
    known = [n for n in names if n.rsplit("/", 1)[-1] == "_chat.txt" or "whatsapp" in n.lower()]
    candidates = known or names
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise BadExport(f"{path} holds no .txt file, so no chat export")
    listed = ", ".join(sorted(candidates)[:5])
    raise BadExport(f"{path} holds several texts ({listed}); unzip it and name the one to import")
