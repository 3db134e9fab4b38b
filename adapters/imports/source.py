"""The text lines of an export: a text file, a zip that holds one, or the folder it was unzipped to.

Reads in place and in bounded memory; knows nothing of what the lines mean.
"""

from __future__ import annotations

import codecs
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from adapters.errors import BadExport
from adapters.messages import Watch, unwatched

from .entries import MAX_RATIO, UNSUSPICIOUS_BYTES

MAX_BYTES = 1 << 30
BLOCK_BYTES = 1 << 14
LINE_END = re.compile(r"\r+\n")
MAX_LINE_CHARACTERS = 1 << 20


def lines(path: Path, watch: Watch = unwatched) -> Iterator[str]:
    """Physical lines without their ends. Raises BadExport where there is no text to read."""
    for block in blocks(path, watch):
        yield from block[:-1].split("\n")


def blocks(path: Path, watch: Watch = unwatched) -> Iterator[str]:
    """The same lines, many at a time, each with a newline at its end: what a regex likes to read.

    Only newlines end a line: U+2028 or a form feed inside a message is part of it.
    """
    number, rest = 1, ""
    for text in _decoded(path, watch):
        whole, newline, rest = (rest + text).rpartition("\n")
        if len(rest) >= MAX_LINE_CHARACTERS:
            number += whole.count("\n") + len(newline)
            raise BadExport(f"line {number} of {path} never ends; this is not a chat export")
        if newline:
            block = whole + newline
            number += block.count("\n")
            yield LINE_END.sub("\n", block) if "\r" in block else block
    if rest:
        yield rest.rstrip("\r") + "\n"


def _decoded(path: Path, watch: Watch) -> Iterator[str]:
    try:
        with _opened(path) as (binary, size, most):
            head = binary.read(4)
            utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
            decoder = codecs.getincrementaldecoder("utf-16" if utf16 else "utf-8-sig")("replace")
            yield decoder.decode(head)
            done = len(head)
            while data := binary.read(BLOCK_BYTES):
                done += len(data)
                # Counted as it comes: a zip's own idea of it may be a lie.
                if done > most:
                    raise BadExport(
                        f"{path} grows more than {MAX_RATIO}-fold when it is unpacked, as no chat "
                        "does; if you trust it, unzip it and name the folder"
                    )
                if done > MAX_BYTES:
                    raise BadExport(
                        f"{path} holds more than {MAX_BYTES >> 30} GiB of text; split it first"
                    )
                yield decoder.decode(data)
                watch(min(1.0, done / max(1, size)))
            yield decoder.decode(b"", final=True)
    except OSError as error:
        raise BadExport(f"{path} can't be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError, zlib.error) as error:
        raise BadExport(f"{path} is a zip that can't be read: {error}") from error


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], int, int]]:
    """The bytes of the text, how many there should be, and how many there may be."""
    if not path.exists():
        raise BadExport(f"there is no file {path}; check the path of the export")
    if path.is_dir():
        path = path / _chosen([file.name for file in path.glob("*.txt")], path)
    if path.stat().st_size == 0:
        raise BadExport(f"{path} is empty; export the chat again")
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            yield file, path.stat().st_size, MAX_BYTES
        return
    with zipfile.ZipFile(path) as archive:
        names = [n for n in archive.namelist() if not n.startswith("__MACOSX/")]
        chosen = _chosen([n for n in names if n.endswith(".txt")], path)
        info = archive.getinfo(chosen)
        with archive.open(chosen) as member:
            yield member, info.file_size, max(UNSUSPICIOUS_BYTES, info.compress_size * MAX_RATIO)


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
