"""Signal by way of signal-export and sigtop: what becomes of each message."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import BadExport
from adapters.messages import Message
from tests.adapters.exports import bins, folder, said, told, zipped

MARKDOWN = """\
[2024-05-01 12:00:00] Me: hello: you  \n
[2024-05-01, 12:01] Tom:

> hello: you

a line
and https://example.org [one](https://example.org)  \n(- Me: 👍, Ann: 👍 -)

[2024-05-01 12:02:00] Tom: ![x.jpg](./media/x.jpg)  \n
[2024-05-01 12:03:00] Tom: look [y.pdf](./media/y.pdf)  \n
[2024-05-01 12:04:00] Tom: (This message was deleted)
[2024-05-01 12:05:00] Tom: Missed video call  \n
[2024-05-01 12:06:00] Tom: \n(( 🎉 ))
"""


def test_pages_of_signal_export(tmp_path: Path) -> None:
    messages, tally = told("signal", folder(tmp_path, {"Tom/chat.md": MARKDOWN}))
    assert said(messages) == [
        ("Me", "hello: you"),
        ("Tom", "a line\nand https://example.org [one](https://example.org)"),
        ("Tom", "look"),
    ]
    assert messages[1].at == datetime(2024, 5, 1, 12, 1)
    assert messages[1].reactions == (("👍", 2),)
    assert tally.lines == MARKDOWN.count("\n")
    assert bins(tally) == {"kept": 3, "merged": 9, "media": 4, "deleted": 1, "system": 2}


def test_what_is_attached_stands_behind_reactions_and_may_have_brackets(tmp_path: Path) -> None:
    page = """\
[2024-05-01 12:00:00] Tom: look  \n(- Me: 👍 -)![a (1).jpg](./media/a%20(1).jpg)  \n
[2024-05-01 12:01:00] Tom:   (media not exported)  \n
[2024-05-01 12:02:00] Tom: here [b.pdf](media/b.pdf) and ![c](media/c.jpg).
[2024-05-01 12:03:00] Tom: > a quote

see [this](https://example.org/(1))
"""
    messages, tally = told("signal", folder(tmp_path, {"Tom/chat.md": page}))
    assert said(messages) == [
        ("Tom", "look"), ("Tom", "here  and ."), ("Tom", "see [this](https://example.org/(1))"),
    ]  # fmt: skip
    assert messages[0].reactions == (("👍", 1),)
    assert tally.bins["media"] == 2


def record(body: str, **more: Any) -> str:
    return json.dumps({
        "date": "2024-05-01T12:00:00", "sender": "Tom", "body": body, "quote": "", "sticker": "",
        "reactions": [], "attachments": [], **more,
    })  # fmt: skip


def test_records_of_signal_export_come_before_its_pages(tmp_path: Path) -> None:
    lines = [
        record("a\nb  ", quote="\n\n> x\n\n", reactions=[["Me", "👍"], ["Ann", "👍"]]),
        record("  ", attachments=[{"name": "x", "path": "media/x"}]),
        record("", deleted=True),
        record("Outgoing call", call=True),
        record("  "),
        record("c", date="soon"),
        "{broken",
    ]
    files = {"Tom/data.json": "\n".join(lines), "Tom/chat.md": MARKDOWN, "Ann/data.json": lines[0]}
    messages, tally = told("signal", zipped(tmp_path / "x.zip", files))
    assert [(m.conversation, m.text, m.reactions) for m in messages] == [
        ("Ann", "a\nb", (("👍", 2),)), ("Tom", "a\nb", (("👍", 2),)),
    ]  # fmt: skip
    assert bins(tally) == {"kept": 2, "media": 1, "deleted": 1, "system": 2, "unparsed": 2}


LONG = """\
Conversation: Tom (+1234)

From: Tom (+1234)
Type: incoming
Sent: Wed, 1 May 2024 12:00:00 +0200
Received: Wed, 1 May 2024 12:00:01 +0200
Reaction: 👍 from You

a line

From: the book
with more

From: You
Type: outgoing
Sent: Wed, 1 May 2024 12:01:00 +0200

> From: Tom (+1234)
> Sent: Wed, 1 May 2024 12:00:00 +0200
>
> a line

an answer

From: Tom (+1234)
Type: incoming
Sent: Wed, 1 May 2024 12:02:00 +0200
Received: Wed, 1 May 2024 12:02:00 +0200
Attachment: x.jpg (image/jpeg, 5 bytes)

From: Tom (+1234)
Type: incoming
Sent: Wed, 1 May 2024 12:03:00 +0200
Received: Wed, 1 May 2024 12:03:00 +0200
Edited: 2 versions

| Version: 2
| Sent: Wed, 1 May 2024 12:04:00 +0200
|
| newer
|
| Version: 1
| Sent: Wed, 1 May 2024 12:03:00 +0200
|
| older

Type: keychange
Sent: Wed, 1 May 2024 12:05:00 +0200

"""


def test_long_text_of_sigtop(tmp_path: Path) -> None:
    messages, tally = told("signal", folder(tmp_path, {"Tom (+1234).txt": LONG}))
    assert said(messages) == [
        ("Tom", "a line\n\nFrom: the book\nwith more"), ("You", "an answer"), ("Tom", "newer"),
    ]  # fmt: skip
    assert messages[0].at == datetime(2024, 5, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert messages[0].reactions == (("👍", 1),)
    assert (tally.lines, tally.bins["media"], tally.bins["system"]) == (LONG.count("\n"), 6, 5)


SHORT = """\
2024-05-01 12:00 Tom: hi
there
2024-05-01 12:01 You: [reply to Tom on 2024-05-01 12:00, edited, 2 attachments] yes: you
2024-05-01 12:02 Tom: [1 attachment]
2024-05-01 12:03 Tom: [keychange message]
2024-05-01 12:04 Tom: [sic] no details
"""


def test_short_text_of_sigtop(tmp_path: Path) -> None:
    files = {"a/Tom (+1234).txt": SHORT, "a/Ann.txt": SHORT[:25]}
    messages, tally = told("signal", folder(tmp_path, files))
    assert [(m.conversation, m.speaker, m.text) for m in messages] == [
        ("Ann", "Tom", "hi"),
        ("Tom", "Tom", "hi\nthere"), ("Tom", "You", "yes: you"), ("Tom", "Tom", "[sic] no details"),
    ]  # fmt: skip
    assert bins(tally) == {"kept": 4, "merged": 1, "media": 1, "system": 1}


def test_json_of_sigtop_says_that_it_has_no_names(tmp_path: Path) -> None:
    def one(minute: int, **more: Any) -> dict[str, Any]:
        return {"id": f"m{minute}", "conversationId": "c", "type": "incoming",
                "sent_at": 1714564800000 + minute, "sourceServiceId": "abc", **more}  # fmt: skip

    records = [
        one(1, body="hi", reactions=[{"emoji": "👍", "fromId": "x"}]),
        one(2, body="yo", type="outgoing", quote={"id": 1714564800001}),
        one(3, body="", attachments=[{}]),
        one(4, type="keychange"),
        one(5, body="x", deletedForEveryone=True),
        one(6, body="x", sent_at=None),
        4,
    ]
    messages, tally = told("signal", folder(tmp_path, {"Tom (+1).json": records}))
    assert messages == [
        Message(datetime(2024, 5, 1, 12, 0, 0, 1000, tzinfo=UTC), "abc", "hi", speaker_id="abc",
                id="1714564800001", reactions=(("👍", 1),)),
        Message(datetime(2024, 5, 1, 12, 0, 0, 2000, tzinfo=UTC), "You", "yo", speaker_id="abc",
                id="1714564800002", reply_to="1714564800001"),
    ]  # fmt: skip
    assert bins(tally) == {"kept": 2, "media": 1, "system": 1, "deleted": 1, "unparsed": 2}
    assert "no names" in tally.notes[0]


def test_a_text_of_one_endless_message_is_refused(tmp_path: Path) -> None:
    path = folder(tmp_path, {"a.txt": SHORT + "more\n" * 20_001})
    with pytest.raises(BadExport, match="text of over 20,000 lines"):
        told("signal", path)


def test_another_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadExport, match="no export of Signal"):
        told("signal", folder(tmp_path, {"a.md": "# Notes", "a.json": [{"a": 1}]}))
