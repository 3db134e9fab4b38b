"""Files, folders and zips of strangers: read in place, bounded, and refused with a sentence."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from adapters.errors import BadExport
from adapters.imports import entries, records
from adapters.imports.entries import opened
from adapters.imports.records import picked
from tests.adapters.exports import folder, zipped


def values(path: Path, *wanted: str) -> list[object]:
    with opened(path) as export:
        return [value for _, value in picked(export, export.names[0], wanted or ("messages.item",))]


def test_a_file_a_folder_and_a_zip_hold_the_same(tmp_path: Path) -> None:
    files = {"a.json": {"messages": [1, {"b": [2]}]}}
    at = folder(tmp_path / "export", files)
    for path in (at, at / "a.json", zipped(tmp_path / "export.zip", files)):
        assert values(path) == [1, {"b": [2]}]


def test_names_like_paths_are_only_names(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", {"../../etc/passwd": "[1]", "/root.json": "[2]"})
    with opened(path) as export:
        assert export.names == ("../../etc/passwd", "/root.json")
        assert [value for _, value in picked(export, "../../etc/passwd", ["item"])] == [1]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.zip"]


def test_a_name_cannot_steer_the_terminal(tmp_path: Path) -> None:
    with opened(zipped(tmp_path / "x.zip", {"a\x1b[2J.json": "[1]"})) as export:
        assert export.names == ("a\ufffd[2J.json",)
        assert [value for _, value in picked(export, export.names[0], ["item"])] == [1]


def test_who_watches_is_told_how_far_the_reading_is(tmp_path: Path) -> None:
    files = {"a.json": list(range(100_000)), "b.json": list(range(100_000)), "c.jpg": "no text"}
    for path in (folder(tmp_path / "x", files), zipped(tmp_path / "x.zip", files)):
        shares: list[float] = []
        with opened(path, shares.append, passes=2) as export:
            for name in ("a.json", "b.json", "a.json", "b.json"):
                assert sum(1 for _ in picked(export, name, ["item"])) == 100_000
        assert shares == sorted(shares)
        assert shares[0] < 0.1
        assert shares[-1] == 1.0


def test_a_link_out_of_a_folder_is_not_followed(tmp_path: Path) -> None:
    at = folder(tmp_path / "export", {"a.json": "[]"})
    secret = tmp_path / "secret.json"
    secret.write_text("[1]")
    (at / "b.json").symlink_to(secret)
    with opened(at) as export:
        assert export.names == ("a.json",)


def test_a_zip_bomb_is_refused_before_it_fills_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.json", b"[" + b'"hi",' * (entries.UNSUSPICIOUS_BYTES // 4) + b"1]")
    with pytest.raises(BadExport, match="grows more than 200-fold"):
        values(path, "item")


def test_a_zip_of_too_many_files_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "MAX_ENTRIES", 3)
    files = {f"{n}.json": "[]" for n in range(4)}
    for path in (zipped(tmp_path / "x.zip", files), folder(tmp_path / "x", files)):
        with pytest.raises(BadExport, match="more than 3 files"), opened(path):
            pass


def test_a_broken_or_locked_zip_gets_a_sentence(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", {"a.json": [[n] for n in range(999)]})
    data = bytearray(path.read_bytes())
    data[60:90] = b"\xff" * 30
    path.write_bytes(bytes(data))
    with pytest.raises(BadExport, match="is a zip that can't be read"):
        values(path, "item")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.json", "[1]")
    locked = bytearray(path.read_bytes())
    locked[6] |= 1
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(locked))
    with pytest.raises(BadExport, match="encrypted"):
        values(path, "item")


def test_an_entry_without_a_name_is_no_entry(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", {"nobody": "[1]", "a.json": "[2]"})
    path.write_bytes(path.read_bytes().replace(b"nobody", b"\0obody"))
    with opened(path) as export:
        assert export.names == ("a.json",)


@pytest.mark.parametrize("path", ["gone.json", "empty.json"])
def test_what_is_not_there_gets_a_sentence(tmp_path: Path, path: str) -> None:
    (tmp_path / "empty.json").touch()
    with pytest.raises(BadExport, match=r"no file|is empty"):
        values(tmp_path / path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"[" * 10_000, "nested more than 64 deep"),
        (b'{"messages": [' + b"[" * 10_000, "nested more than 64 deep"),
        (b'{"messages": [' + b'{"a":' * 10_000, "nested more than 64 deep"),
        (b'{"messages": ["\xff\xfe"]}', "invalid bytes in UTF8 string"),
        (b'{"messages": [{"a": 1, "a": 2}]}', "says 'a' twice in one record"),
        (b'{"messages": [NaN]}', "no whole JSON"),
        (b'{"messages": [1' + b"0" * 10_000 + b"]}", "integer overflow"),
        (b'{"messages": [1e999999999]}', "overflow"),
        (b'{"messages": [{"a": 1}', "no whole JSON"),
        (b"hello", "no whole JSON"),
    ],
)
def test_json_that_no_exporter_writes_gets_a_sentence(
    tmp_path: Path, text: bytes, sentence: str
) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(text)
    with pytest.raises(BadExport, match=sentence):
        values(path)


def test_a_string_of_many_megabytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'{"messages": ["' + b"a" * (records.MAX_SILENT_BYTES * 2) + b'"]}')
    with pytest.raises(BadExport, match="longer than 8 MiB"):
        values(path)


def test_a_mark_before_the_first_byte_is_no_part_of_the_json(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes('\ufeff{"messages": ["é"]}'.encode())
    assert values(path) == ["é"]


def test_lines_end_at_newlines_only_and_somewhere(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("a\u2028b\r\nc\x0cd\n".encode())
    with opened(path) as export:
        assert list(export.lines("a.txt")) == ["a\u2028b", "c\x0cd"]
    path.write_bytes("a\nü\n".encode("utf-16"))
    with opened(path) as export:
        assert list(export.lines("a.txt")) == ["a", "ü"]
    path.write_bytes(b"a" * (entries.MAX_LINE_CHARACTERS + 1))
    with opened(path) as export, pytest.raises(BadExport, match="never ends"):
        list(export.lines("a.txt"))
