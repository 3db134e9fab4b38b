"""Discord's two kinds of exports: what becomes of each kind of message."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import BadExport
from adapters.messages import Message
from tests.adapters.exports import Files, bins, folder, said, told, zipped


def message(id: int, name: str, content: str, **more: Any) -> dict[str, Any]:
    return {
        "id": str(id), "type": "Default", "timestamp": f"2024-05-01T12:{id:02}:03.853+00:00",
        "content": content, "author": {"id": f"9{id}", "name": name, "isBot": False}, **more,
    }  # fmt: skip


def channel(*messages: Any, name: str = "general", id: str = "5") -> dict[str, Any]:
    return {
        "guild": {"id": "1", "name": "Friends"}, "channel": {"id": id, "name": name},
        "messages": list(messages), "messageCount": len(messages),
    }  # fmt: skip


def test_every_kind_of_message_has_its_bin(tmp_path: Path) -> None:
    export = channel(
        message(1, "tom", "hi"),
        message(2, "tom", "joined", type="GuildMemberJoin"),
        message(3, "maya", "", attachments=[{"url": "x"}]),
        message(4, "maya", "look", attachments=[{"url": "x"}]),
        message(5, "maya", "?", timestamp="soon"),
        message(6, "maya", "?", author=None),
        7,
    )
    messages, tally = told("discord", folder(tmp_path, {"general [5].json": export}))
    assert said(messages) == [("tom", "hi"), ("maya", "look")]
    assert bins(tally) == {"kept": 2, "system": 1, "media": 1, "unparsed": 3}


def test_a_message_keeps_what_is_known_of_it(tmp_path: Path) -> None:
    export = channel(
        message(
            1, "tom", "ok", type="Reply", reference={"messageId": "8"},
            author={"id": "9", "name": "tom", "nickname": "Tom  the\nfirst", "isBot": True},
            reactions=[{"emoji": {"name": "👍"}, "count": 2}, {"emoji": None}],
        ),
        message(2, "tom", "", forwardedMessage={"content": "news"}),
    )  # fmt: skip
    messages, _ = told("discord", zipped(tmp_path / "x.zip", {"a.json": export}))
    assert messages[0] == Message(
        datetime(2024, 5, 1, 12, 1, 3, 853000, tzinfo=UTC), "Tom the first", "ok",
        speaker_id="9", id="1", reply_to="8", reactions=(("👍", 2),), bot=True,
    )  # fmt: skip
    assert (messages[1].text, messages[1].forwarded) == ("news", True)


def test_several_channels_are_conversations(tmp_path: Path) -> None:
    files = {
        "a.json": channel(message(1, "tom", "a")),
        "b.json": channel(message(1, "tom", "b"), id="6"),
        "c.json": channel(message(1, "tom", "c"), name="random", id="7"),
    }
    messages, _ = told("discord", folder(tmp_path, files))
    assert [(m.conversation, m.text) for m in messages] == [
        ("general", "a"), ("general (6)", "b"), ("random", "c"),
    ]  # fmt: skip


def test_parts_of_a_channel_are_in_order_and_edits_counted(tmp_path: Path) -> None:
    names = ("a [5] [part 10].json", "a [5] [part 2].json", "a [5].json")
    files = {
        name: channel(message(n, "tom", name, timestampEdited="2024-05-02T00:00:00+00:00"))
        for n, name in enumerate(names)
    }
    messages, tally = told("discord", folder(tmp_path, files))
    assert [m.text for m in messages] == list(reversed(names))
    assert {m.conversation for m in messages} == {"general"}
    assert tally.edited == 3


HEADER = "AuthorID,Author,Date,Content,Attachments,Reactions\r\n"


def test_csv_tells_the_same_with_quotes_newlines_and_formulas(tmp_path: Path) -> None:
    csv = HEADER + (
        '"9","tom#0001","2024-05-01T12:01:03.8530000+00:00","a ""b""\nc","","👍 (2),❤ (1)"\r\n'
        '"9","tom#0001","2024-05-01T12:02:03.8530000+00:00","=HYPERLINK(""x"")","",""\r\n'
        '"9","tom#0001","2024-05-01T12:03:03.8530000+00:00","","https://x/y.png",""\r\n'
        '"9","tom#0001","2024-05-01T12:04:03.8530000+00:00","Pinned a message.","",""\r\n'
        '"9","","when","?","",""'
    )
    messages, tally = told("discord", folder(tmp_path, {"general [5].csv": "\ufeff" + csv}))
    assert said(messages) == [("tom", 'a "b"\nc'), ("tom", '=HYPERLINK("x")')]
    assert messages[0].reactions == (("👍", 2), ("❤", 1))
    assert bins(tally) == {"kept": 2, "media": 1, "system": 1, "unparsed": 1}


@pytest.mark.parametrize(
    "dates",
    [
        ["01-May-24 09:15 PM", "13-May-24 09:15 AM"],
        ["5/1/2024 9:15 PM", "5/13/2024 9:15 AM"],
        ["01.05.2024 21:15", "13.05.2024 09:15"],
        ["2024-05-01 21:15", "2024-05-13 09:15"],
    ],
)
def test_times_of_older_csv_are_read_over_the_whole_file(tmp_path: Path, dates: list[str]) -> None:
    csv = HEADER + "".join(f'"9","tom","{date}","a","",""\r\n' for date in dates)
    messages, _ = told("discord", folder(tmp_path, {"a.csv": csv}))
    assert [m.at for m in messages] == [datetime(2024, 5, 1, 21, 15), datetime(2024, 5, 13, 9, 15)]


def test_a_quote_that_never_closes_is_refused(tmp_path: Path) -> None:
    csv = HEADER + '"9","tom","2024-05-01T12:01:03+00:00","' + "a\n" * 20_000
    with pytest.raises(BadExport, match="never closed"):
        told("discord", folder(tmp_path, {"a.csv": csv}))


def package(messages: str = "messages", c: str = "c", extension: str = "json") -> Files:
    if extension == "csv":
        first = 'ID,Timestamp,Contents,Attachments\n1,2024-05-01 12:01:00,"a, ""b""\nc",\n2,x,?,'
    else:
        first = [
            {"ID": 2**60, "Timestamp": "2024-05-01 12:01:00", "Contents": 'a, "b"\nc'},
            {"ID": "2", "Timestamp": "x", "Contents": "?", "Attachments": ""},
        ]
    second = [
        {"ID": 3, "Timestamp": "2024-05-01 12:03:00+00:00", "Contents": "", "Attachments": "x"},
        {"ID": 4, "Timestamp": "2024-05-01 12:04:00.123+00:00", "Contents": "d"},
    ]
    return {
        f"package/{messages}/index.json": {"11": "Direct Message with tom", "12": None},
        f"package/{messages}/{c}11/messages.{extension}": first,
        f"package/{messages}/{c}11/channel.json": {"id": "11"},
        f"package/{messages}/{c}12/messages.json": second,
        f"package/{messages}/{c}12/channel.json": {"name": "general", "guild": {"name": "Friends"}},
        "package/account/user.json": {"id": "9", "username": "maya", "global_name": "Maya"},
    }


@pytest.mark.parametrize(
    "layout", [("messages", "c", "csv"), ("messages", "c", "json"), ("Messages", "", "json")]
)
def test_the_data_package_in_each_layout(tmp_path: Path, layout: tuple[str, str, str]) -> None:
    for path in (folder(tmp_path / "p", package(*layout)),
                 zipped(tmp_path / "p.zip", package(*layout))):  # fmt: skip
        messages, tally = told("discord", path)
        assert said(messages) == [("Maya", 'a, "b"\nc'), ("Maya", "d")]
        assert [m.conversation for m in messages] == [
            "Direct Message with tom", "general in Friends",
        ]  # fmt: skip
        assert messages[0].at == datetime(2024, 5, 1, 12, 1, tzinfo=UTC)
        assert bins(tally) == {"kept": 2, "media": 1, "unparsed": 1}
        assert "only what its owner wrote" in tally.notes[0]


def test_a_channel_of_the_package_by_itself(tmp_path: Path) -> None:
    at = folder(tmp_path, package()) / "package" / "messages" / "c11"
    for path in (at, at / "messages.json"):
        messages, tally = told("discord", path)
        assert said(messages) == [("me", 'a, "b"\nc')]
        assert [note for note in tally.notes if "does not say whose" in note]


def test_large_ids_stay_exact(tmp_path: Path) -> None:
    messages, _ = told("discord", folder(tmp_path, package()))
    assert messages[0].id == str(2**60)


def test_another_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadExport, match="not a Discord export"):
        told("discord", folder(tmp_path, {"a.json": {"messages": []}, "b.csv": "a,b\n1,2\n"}))
