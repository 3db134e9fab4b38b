"""Messenger's and Instagram's downloads: order, mojibake, and what becomes of each message."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import BadExport
from adapters.imports.meta import repaired
from adapters.messages import Message
from tests.adapters.exports import Files, bins, folder, said, told, zipped


def garbled(text: str) -> str:
    return text.encode().decode("latin-1")


def message(minute: int, name: str, content: str | None = None, **more: Any) -> dict[str, Any]:
    words = {} if content is None else {"content": garbled(content)}
    at = 1714564800000 + 60_000 * minute
    return {"sender_name": garbled(name), "timestamp_ms": at, **words, **more}


def part(*messages: Any, title: str = "Tom") -> dict[str, Any]:
    return {
        "participants": [{"name": "Tom"}], "messages": list(messages), "title": garbled(title),
        "is_still_participant": True, "thread_path": "inbox/tom_1",
    }  # fmt: skip


def test_every_kind_of_message_has_its_bin(tmp_path: Path) -> None:
    export = part(
        message(1, "Tom", "hi"),
        message(2, "Tom", photos=[{"uri": "1.jpg"}]),
        message(3, "Tom", "look", photos=[{"uri": "1.jpg"}]),
        message(4, "Tom", "Tom sent an attachment.", share={"link": "https://example.org/a"}),
        message(5, "Tom", "Tom sent an attachment.", share={}),
        message(6, "Tom", is_unsent=True),
        message(7, "Tom", "Tom called you.", call_duration=3),
        message(8, "Tom Lee", "Tom named the group Friends."),
        message(9, "Tom", "Reacted 😂 to your message "),
        message(10, "Tom", "she left the group chat, Tom named the group"),
        {"sender_name": "Tom", "timestamp_ms": "soon"},
        {"timestamp_ms": 1714564800000, "content": "?"},
        [],
    )
    messages, tally = told("messenger", folder(tmp_path, {"message_1.json": export}))
    assert [m.text for m in messages] == [
        "hi", "look", "https://example.org/a", "she left the group chat, Tom named the group",
    ]  # fmt: skip
    assert bins(tally) == {"kept": 4, "media": 2, "deleted": 1, "system": 3, "unparsed": 3}


def test_a_message_keeps_what_is_known_of_it_and_is_repaired(tmp_path: Path) -> None:
    reactions = [{"reaction": garbled(e), "actor": "Maya"} for e in ("❤", "👍", "❤")]
    export = part(message(1, "Zoë", "schön 🎉\n<b>=1</b>", reactions=reactions))
    messages, _ = told("instagram", folder(tmp_path, {"message_1.json": export}))
    assert messages == [
        Message(
            datetime(2024, 5, 1, 12, 1, tzinfo=UTC), "Zoë", "schön 🎉\n<b>=1</b>",
            reactions=(("❤", 2), ("👍", 1)),
        )
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["schön", "日本", "é\x80", "", "plain"])
def test_text_that_is_no_mojibake_stays_as_it_is(text: str) -> None:
    assert repaired(text) == text
    assert repaired(garbled(text)) == text


@pytest.mark.parametrize("newest", ["message_1.json", "message_3.json"])
def test_parts_in_any_order_are_told_oldest_first(tmp_path: Path, newest: str) -> None:
    names = ["message_1.json", "message_2.json", "message_3.json"]
    ordered = names if newest == names[0] else names[::-1]
    files: Files = {
        f"inbox/tom_1/{name}": part(
            *(message(at - 10 * n, "Tom", str(at - 10 * n)) for at in (32, 31))
        )
        for n, name in enumerate(ordered)
    }
    for path in (folder(tmp_path / "x", files), zipped(tmp_path / "x.zip", files)):
        messages, _ = told("messenger", path)
        assert [m.text for m in messages] == ["11", "12", "21", "22", "31", "32"]


def test_messages_that_come_oldest_first_stay_so(tmp_path: Path) -> None:
    export = part(*(message(n, "Tom", str(n)) for n in (1, 2, 3)))
    messages, _ = told("messenger", folder(tmp_path, {"message_1.json": export}))
    assert [m.text for m in messages] == ["1", "2", "3"]


def test_a_folder_of_conversations_keeps_them_apart(tmp_path: Path) -> None:
    inbox = "your_facebook_activity/messages/inbox"
    files = {
        f"{inbox}/tom_1/message_1.json": part(message(1, "Tom", "a"), title="Tøm"),
        f"{inbox}/tom_2/message_1.json": part(message(1, "Tom", "b"), title="Tøm"),
        f"{inbox}/ann_3/message_1.json": part(message(1, "Ann", "c"), title=""),
        f"{inbox}/tom_1/photos/1.jpg": "no picture",
        "profile.json": {"name": "Maya"},
    }
    messages, _ = told("messenger", zipped(tmp_path / "x.zip", files))
    assert [(m.conversation, m.text) for m in messages] == [
        ("ann_3", "c"), ("Tøm", "a"), ("Tøm (tom_2)", "b"),
    ]  # fmt: skip


def test_encrypted_conversations_are_a_file_each(tmp_path: Path) -> None:
    def thread(name: str) -> dict[str, Any]:
        entry = {"isUnsent": False, "senderName": "Zoë", "timestamp": 1714564800000}
        return {
            "participants": ["Zoë"], "threadName": name,
            "messages": [{**entry, "text": "é", "type": "text"},
                         {**entry, "text": "", "media": [{"uri": "x"}], "type": "media"},
                         {**entry, "text": "?", "isUnsent": True, "type": "text"}],
        }  # fmt: skip

    files = {"messages/Zoë_1.json": thread("Zoë_1"), "messages/Tom_2.json": thread("Tom_2")}
    messages, tally = told("messenger", zipped(tmp_path / "x.zip", files))
    assert [(m.conversation, *pair) for m, pair in zip(messages, said(messages), strict=True)] == [
        ("Tom_2", "Zoë", "é"), ("Zoë_1", "Zoë", "é"),
    ]  # fmt: skip
    assert bins(tally) == {"kept": 2, "media": 2, "deleted": 2}


def test_another_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadExport, match="format JSON, not HTML"):
        told("messenger", folder(tmp_path, {"message_1.json": {"messages": []}}))
