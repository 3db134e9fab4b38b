"""The text lines of an export: a text file, a zip that holds one, or the folder it was unzipped to.

Reads in place and in bounded memory; knows nothing of what the lines mean.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from adapters.errors import BadExport
from adapters.messages import Watch, unwatched

from .entries import Export, opened

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
    with opened(path) as export, export.open(_chosen(export)) as binary:
        head = binary.read(4)
        utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        decoder = codecs.getincrementaldecoder("utf-16" if utf16 else "utf-8-sig")("replace")
        yield decoder.decode(head)
        done = len(head)
        while data := binary.read(BLOCK_BYTES):
            done += len(data)
            if done > MAX_BYTES:
                raise BadExport(
                    f"{path} holds more than {MAX_BYTES >> 30} GiB of text; split it first"
                )
            yield decoder.decode(data)
            watch(min(1.0, done / max(1, export.bytes_to_read)))
        yield decoder.decode(b"", final=True)


def _chosen(export: Export) -> str:
    """The chat's own text among an export's text files (documents sent may be texts too)."""
    path, names = export.path, export.names
    if names == (path.name,) and path.is_file() and not export.packed:
        return path.name
    texts = [n for n in names if n.endswith(".txt") and (export.packed or "/" not in n)]
    known = [n for n in texts if PurePosixPath(n).name == "_chat.txt" or "whatsapp" in n.lower()]
    candidates = known or texts
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise BadExport(f"{path} holds no .txt file, so no chat export")
    listed = ", ".join(sorted(candidates)[:5])
    raise BadExport(f"{path} holds several texts ({listed}); unzip it and name the one to import")
