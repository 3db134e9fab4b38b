"""Small exports of our own, written as files, folders and zips, and read back."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from adapters.imports import FORMATS
from adapters.messages import Message, Options, Tally

Files = dict[str, Any]


def told(format: str, path: Path, **options: Any) -> tuple[list[Message], Tally]:
    """What an importer says of an export; every record is in exactly one bin."""
    tally = Tally()
    messages = list(FORMATS[format](path, tally, Options(**options)))
    assert sum(tally.bins.values()) == tally.lines
    return messages, tally


def bins(tally: Tally) -> dict[str, int]:
    return {name: count for name, count in tally.bins.items() if count}


def said(messages: list[Message]) -> list[tuple[str, str]]:
    return [(message.speaker, message.text) for message in messages]


def folder(path: Path, files: Files) -> Path:
    for name, content in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(as_bytes(content))
    return path


def zipped(path: Path, files: Files) -> Path:
    path.write_bytes(packed(files))
    return path


def packed(files: Files) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, as_bytes(content))
    return memory.getvalue()


def as_bytes(content: Any) -> bytes:
    if isinstance(content, bytes):
        return content
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return text.encode()
