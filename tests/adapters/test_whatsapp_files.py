"""The files that WhatsApp's exports come in, and those that are none."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from adapters.errors import BadExport
from adapters.imports import source
from tests.adapters.test_whatsapp import parsed, said


def test_a_zip_is_read_in_place(tmp_path: Path) -> None:
    path = tmp_path / "WhatsApp Chat - Maya.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "a document that was sent")
        archive.writestr("__MACOSX/._chat.txt", b"\0")
        archive.writestr("_chat.txt", "[13/02/2023, 21:05:00] Maya: hi\n")
    assert said(path) == [("Maya", "hi")]


def test_utf_16_is_read(tmp_path: Path) -> None:
    path = tmp_path / "chat.txt"
    path.write_bytes("13/02/2023, 21:05 - Maya: hi ☕\n".encode("utf-16"))
    assert said(path) == [("Maya", "hi ☕")]


def zipped(*names: str, packing: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive:
        for name in names:
            archive.writestr(name, "text")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "there is no file"),
        (b"", "is empty"),
        (b"Dear diary,\ntoday nothing.\n", "no line looks like"),
        (b'{"messages": []}\n', "no line looks like"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "no line looks like"),
        (zipped("photo.jpg"), "holds no .txt file"),
        (zipped("a.txt", "b.txt"), r"several texts \(a.txt, b.txt\)"),
        (zipped("a.txt")[:60] + b"broken" + zipped("a.txt")[66:], "can't be read"),
        (
            (lzma := zipped("a.txt", packing=zipfile.ZIP_LZMA))[:44] + b"broken" + lzma[50:],
            "is a zip that can't be read",
        ),
        (zipped("folder/"), "holds no .txt file"),
    ],
)
def test_what_is_no_export_gets_a_sentence(
    tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    path = tmp_path / "chat"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadExport, match=sentence):
        parsed(path)


def test_an_archive_that_unpacks_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "MAX_BYTES", 10_000)
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("_chat.txt", "13/02/2023, 21:05 - Maya: hi\n" * 10_000)
    with pytest.raises(BadExport, match="more than"):
        parsed(path)


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_LINE_CHARACTERS", 1000)
    path = tmp_path / "chat.txt"
    path.write_text("x" * 5000)
    with pytest.raises(BadExport, match=r"line 1 of .* never ends"):
        parsed(path)
