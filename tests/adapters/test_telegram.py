"""Telegram Desktop's exports: what becomes of each kind of message, in JSON and in HTML."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import BadExport
from adapters.messages import Message
from tests.adapters.exports import bins, folder, said, told, zipped


def message(id: int, speaker: str | None, text: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": id, "type": "message", "date": f"2024-05-01T12:{id:02}:00",
        "date_unixtime": str(1714557600 + 60 * id), "from": speaker, "from_id": f"user{speaker}",
        "text": text, **more,
    }  # fmt: skip


def chat(name: str | None, *messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "personal_chat", "id": 7, **more, "messages": list(messages)}


def test_every_kind_of_message_has_its_bin(tmp_path: Path) -> None:
    export = chat(
        "Tom",
        message(1, "Tom", "hi"),
        {"id": 2, "type": "service", "date": "2024-05-01T12:02:00", "action": "pin_message"},
        message(3, "Maya", "", photo="photos/1.jpg"),
        message(4, "Maya", "look", photo="photos/2.jpg"),
        message(5, "Maya", "", media_type="sticker", file="x.webp"),
        message(6, "Maya", "when?", date="yesterday", date_unixtime="soon"),
        {"type": "message", "date": 5},
        "nonsense",
    )
    messages, tally = told("telegram", folder(tmp_path, {"result.json": export}))
    assert said(messages) == [("Tom", "hi"), ("Maya", "look")]
    assert bins(tally) == {"kept": 2, "system": 1, "media": 2, "unparsed": 3}
    assert [number for number, _ in tally.unparsed_samples] == [6, 7, 8]


def test_a_message_keeps_what_is_known_of_it(tmp_path: Path) -> None:
    export = chat(
        "Tom",
        message(1, "Maya", "so"),
        message(
            2, "Tom", "ok", reply_to_message_id=1, forwarded_from=None,
            reactions=[{"type": "emoji", "count": 2, "emoji": "👍"}, {"type": "paid", "count": 1}],
        ),
    )  # fmt: skip
    messages, _ = told("telegram", zipped(tmp_path / "x.zip", {"Chat/result.json": export}))
    assert messages[1] == Message(
        datetime(2024, 5, 1, 12, 2, tzinfo=timezone(timedelta(hours=2))), "Tom", "ok",
        speaker_id="userTom", id="2", reply_to="1", reactions=(("👍", 2),), forwarded=True,
    )  # fmt: skip


def test_edits_are_counted(tmp_path: Path) -> None:
    times = ("2024-05-01T12:09:00", "1970-01-01T01:00:00", None)
    export = chat("Tom", *(message(n, "Tom", "a", edited=at) for n, at in enumerate(times)))
    _, tally = told("telegram", folder(tmp_path, {"result.json": export}))
    assert tally.edited == 1


def test_text_comes_whole_or_in_pieces(tmp_path: Path) -> None:
    bold = {"type": "bold", "text": "very"}
    link = {"type": "link", "text": "https://example.org"}
    texts = ["a <b>tag</b>\r\n=1+1", ["it's ", bold, "  good"], ["Link:", link], ["(", link], 5]
    export = chat("Tom", *(message(n, "Tom", text) for n, text in enumerate(texts)))
    messages, _ = told("telegram", folder(tmp_path, {"result.json": export}))
    assert [m.text for m in messages] == [
        "a <b>tag</b>\n=1+1", "it's very  good", "Link: https://example.org",
        "(https://example.org", "",
    ]  # fmt: skip


def test_a_whole_account_is_read_chat_by_chat(tmp_path: Path) -> None:
    export = {
        "about": "Here is the data you requested. Remember: Telegram is ad free.",
        "contacts": {"list": [{"first_name": "Tom"}]},
        "chats": {"about": "…", "list": [
            chat("Tom", message(1, "Tom", "a")),
            chat("Tom", message(1, "Other Tom", "b"), id=8),
            chat(None, message(1, None, "c"), id=9),
            chat("Helper", message(1, "Helper", "d"), message(2, "Maya", "e"), type="bot_chat"),
            {"type": "saved_messages", "id": 1, "messages": [message(1, "Maya", "f")]},
        ]},
        "left_chats": {"list": [chat("Old", message(1, "Ann", "g"), type="private_group")]},
    }  # fmt: skip
    messages, _ = told("telegram", folder(tmp_path, {"result.json": export}) / "result.json")
    assert [(m.conversation, m.speaker, m.text, m.bot) for m in messages] == [
        ("Tom", "Tom", "a", False),
        ("Tom (8)", "Other Tom", "b", False),
        ("personal chat", "Deleted Account", "c", False),
        ("Helper", "Helper", "d", True),
        ("Helper", "Maya", "e", False),
        ("saved messages", "Maya", "f", False),
        ("Old", "Ann", "g", False),
    ]


def test_times_of_one_export_can_be_compared(tmp_path: Path) -> None:
    first, second = message(1, "Tom", "a"), message(2, "Tom", "b")
    del second["date_unixtime"]
    for order in ([first, second], [second, first]):
        messages, _ = told("telegram", folder(tmp_path, {"result.json": chat("Tom", *order)}))
        assert abs(messages[0].at - messages[1].at) == timedelta(minutes=1)


def page(*messages: str, title: str = "Tom") -> str:
    return (
        '<!DOCTYPE html><html><head><style>.text{}</style></head><body><div class="page_wrap">'
        f'<div class="page_header"><div class="content"><div class="text bold">\n{title}\n</div>'
        '</div></div><div class="page_body chat_page"><div class="history">'
        + "\n".join(messages)
        + "</div></div></div></body></html>"
    )


def entry(id: int, speaker: str | None, text: str, more: str = "") -> str:
    name = f'<div class="from_name">\n{speaker} </div>' if speaker else ""
    words = f'<div class="text">\n{text}\n</div>' if text else ""
    return (
        f'<div class="message default clearfix{"" if speaker else " joined"}" id="message{id}">'
        '<div class="userpic"><div class="initials">TT</div></div><div class="body">'
        f'<div class="pull_right date details" title="01.05.2024 12:{id:02}:00 UTC+02:00">'
        f"12:{id:02}</div>{name}{more}{words}</div></div>"
    )


def test_pages_tell_the_same_as_json(tmp_path: Path) -> None:
    service = '<div class="message service" id="message-1"><div class="body">1 May</div></div>'
    reactions = (
        '<span class="reactions"><span class="reaction"><span class="emoji">👍</span>'
        '<span class="count">2</span></span><span class="reaction"><span class="emoji">❤</span>'
        '<span class="userpics"><div class="initials">M</div></span></span></span>'
    )
    reply = '<div class="reply_to details">In reply to <a href="#go_to_message1">this</a></div>'
    forwarded = (
        '<div class="forwarded body"><div class="from_name">Ann <span class="date details" '
        'title="01.01.2020 10:00:00"> 01.01.2020</span></div><div class="text">news</div></div>'
    )
    media = '<div class="media_wrap clearfix"><a href="photos/1.jpg">Photo</a></div>'
    files = {
        "ChatExport/messages.html": page(
            service,
            entry(1, "Tom &amp; Co", "a <strong>b</strong><br>c &lt;i&gt; <a href='x'>d</a>"),
            entry(2, None, "e", reply),
            entry(3, "Maya", "", media),
        ),
        "ChatExport/messages2.html": page(
            entry(4, "Maya", "", forwarded), entry(5, None, f"f{reactions}")
        ),
        "ChatExport/messages10.html": page(entry(6, "Bot via @gif", "g")),
    }
    messages, tally = told("telegram", zipped(tmp_path / "x.zip", files))
    assert said(messages) == [
        ("Tom & Co", "a b\nc <i> d"), ("Tom & Co", "e"), ("Maya", "news"), ("Maya", "f"),
        ("Bot", "g"),
    ]  # fmt: skip
    assert bins(tally) == {"kept": 5, "system": 1, "media": 1}
    assert messages[0].at == datetime(2024, 5, 1, 10, 1, tzinfo=UTC)
    assert [(m.id, m.reply_to, m.forwarded, m.bot) for m in messages[1:]] == [
        ("2", "1", False, False), ("4", "", True, False), ("5", "", False, False),
        ("6", "", False, True),
    ]  # fmt: skip
    assert messages[3].reactions == (("👍", 2), ("❤", 1))


def test_pages_of_several_chats_are_conversations(tmp_path: Path) -> None:
    files = {
        "chats/chat_1/messages.html": page(entry(1, "Tom", "a")),
        "chats/chat_2/messages.html": page(entry(1, "Ann", "b"), title="Ann"),
        "chats/chat_3/messages.html": page(entry(1, "Tom", "c")),
    }
    messages, _ = told("telegram", folder(tmp_path, files))
    assert [(m.conversation, m.text) for m in messages] == [
        ("Tom", "a"), ("Ann", "b"), ("Tom (chats/chat_3)", "c"),
    ]  # fmt: skip


def test_a_page_without_end_is_refused(tmp_path: Path) -> None:
    for junk, sentence in (
        ("<a " + "x='1'\n" * 300_000, "a tag in messages.html never ends"),
        ("<div class='text'>" + "<b>word</b>\n" * 300_000, "a text of this page never ends"),
        ("<div>" * 999, "within each other"),
    ):
        path = folder(tmp_path, {"messages.html": page(entry(1, "Tom", "a"), junk)})
        with pytest.raises(BadExport, match=sentence):
            told("telegram", path)


def test_a_page_that_is_no_html_is_refused(tmp_path: Path) -> None:
    path = folder(tmp_path, {"messages.html": page(entry(1, "Tom", "a"), "<![oops[b]]>")})
    with pytest.raises(BadExport, match="no HTML that can be read"):
        told("telegram", path)


def test_another_file_is_refused_with_the_way_to_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(BadExport, match=r"not a Telegram export.*result.json.*JSON"):
        told("telegram", folder(tmp_path, {"result.json": {"messages": [{"a": 1}]}}))
