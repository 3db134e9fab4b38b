"""Which format an export has, told from names and first kilobytes, in every wrapping."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.errors import BadExport
from adapters.imports import import_chat
from adapters.imports.entries import opened
from adapters.imports.formats import KNOWN, detect
from tests.adapters.conftest import long_chat
from tests.adapters.exports import Files, folder, told, zipped

TELEGRAM = {
    "name": "Tom", "type": "personal_chat", "id": 7,
    "messages": [{"id": 1, "type": "message", "date": "2024-05-01T12:00:00", "from": "Tom",
                  "text": "hi"}],
}  # fmt: skip
META = {"participants": [], "messages": [{"sender_name": "Tom", "timestamp_ms": 1714564800000}]}
DISCORD = {"guild": {"id": "1"}, "channel": {"id": "2"}, "messages": []}
EXPORTS: dict[str, Files] = {
    "telegram": {"ChatExport/result.json": TELEGRAM},
    "discord": {"general [2].json": DISCORD},
    "messenger": {"inbox/tom_1/message_1.json": META},
    "instagram": {"your_instagram_activity/messages/inbox/tom_1/message_1.json": META},
    "generic": {"chat.csv": "Date;From;Text\n2024-05-01;Tom;hi\n"},
    "slack": {"general/2024-05-01.json": [], "users.json": []},
    "signal": {"Tom/chat.md": "[2024-05-01 12:00:00] Me: hello\n"},
    "imessage": {"Tom.txt": "May 17, 2022 10:36:00 PM\nTom\nhi\n"},
    "irc": {"irc.libera.#tea.weechatlog": "2024-05-01 12:00:00\ttom\thi\n"},
    "script": {"play.txt": "TOM: a\nMAYA: b\nTOM: c\n"},
    "writing": {"blog/tea.md": "# Tea\n\nI drink tea.\n"},
    "whatsapp": {"_chat.txt": "\n".join(long_chat(2))},
}


def test_every_format_has_an_example_here() -> None:
    assert set(EXPORTS) == set(KNOWN)


@pytest.mark.parametrize("format", EXPORTS)
def test_a_format_is_named_with_a_reason(tmp_path: Path, format: str) -> None:
    files = EXPORTS[format]
    for path in (folder(tmp_path / "x", files), zipped(tmp_path / "x.zip", files)):
        found = detect(path)
        assert found.format == format
        assert next(iter(files)) in found.reason


def test_a_large_export_is_named_after_a_look_at_few_of_its_files(tmp_path: Path) -> None:
    files: Files = {f"ads/{n}.json": {"a": n} for n in range(300)}
    files |= {f"messages/inbox/tom_{n}/message_1.json": META for n in range(50)}
    with opened(zipped(tmp_path / "x.zip", files)) as export:
        glanced = export.glance()
        assert len(glanced.names) == 40
        assert len(export.names) == 350
    assert detect(tmp_path / "x.zip").format == "messenger"


def test_a_lone_file_is_named_too(tmp_path: Path) -> None:
    assert detect(folder(tmp_path, {"a.json": TELEGRAM}) / "a.json").format == "telegram"
    assert detect(folder(tmp_path, {"chat.json": META}) / "chat.json").format == "messenger"


@pytest.mark.parametrize(
    "files", [{"notes.pdf": "hi"}, {"a.json": {"a": 1}}, {"a.json": b"\xff\xfe\x00"}, {}]
)
def test_an_unknown_export_is_refused_with_what_was_looked_for(
    tmp_path: Path, files: Files
) -> None:
    with pytest.raises(BadExport) as refused:
        detect(folder(tmp_path, files))
    for format in KNOWN.values():
        assert format.looked_for in str(refused.value)


def test_what_is_found_is_imported(export: Callable[..., Path], tmp_path: Path) -> None:
    report = import_chat("auto", export(*long_chat()), "maya", ["Maya"], tmp_path)
    assert (report.format, report.kept) == ("whatsapp", 300)
    messages, tally = told("auto", export(*long_chat()))
    assert len(messages) == 300
    assert "read as whatsapp: chat.txt has lines" in tally.notes[0]


def test_the_command_names_the_format(tmp_path: Path) -> None:
    path = folder(tmp_path, EXPORTS["telegram"])
    done = subprocess.run(
        [sys.executable, "-m", "understudy", "import", "--detect", str(path), "--json"],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert json.loads(done.stdout)["format"] == "telegram"
