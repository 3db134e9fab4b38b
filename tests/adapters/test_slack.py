"""Slack's workspace export: names, markup, threads and what becomes of each message."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import BadExport
from adapters.imports.formats import detect
from adapters.messages import Message
from tests.adapters.exports import bins, folder, said, told, zipped

USERS = [
    {"id": "U1", "name": "tom", "real_name": "Tom Lee", "profile": {"display_name": "Tom"}},
    {"id": "U2", "name": "maya", "profile": {"display_name": "", "real_name": "Maya Diaz"}},
    {"id": "U3", "name": "helper", "is_bot": True},
    "nobody",
]


def message(minute: int, user: str, text: str, **more: Any) -> dict[str, Any]:
    return {"type": "message", "user": user, "text": text,
            "ts": f"{1714564800 + 60 * minute}.000200", **more}  # fmt: skip


def workspace(*messages: Any, **days: Any) -> dict[str, Any]:
    return {"users.json": USERS, "channels.json": [], "general/2024-05-01.json": list(messages),
            **days}  # fmt: skip


def test_every_kind_of_message_has_its_bin(tmp_path: Path) -> None:
    files = workspace(
        message(1, "U1", "hi"),
        message(2, "U1", "<@U1> has joined the channel", subtype="channel_join"),
        message(3, "U2", "", files=[{"id": "F"}]),
        message(4, "U2", "look", files=[{"id": "F"}]),
        message(5, "U2", "This message was deleted.", subtype="tombstone"),
        message(6, "U3", "beep"),
        message(7, "U9", "who?", user_profile={"real_name": "Ann"}),
        message(8, "", "boop", subtype="bot_message", username="Robot"),
        message(9, "U1", "?", ts="soon"),
        3,
    )
    for path in (folder(tmp_path / "x", files), zipped(tmp_path / "x.zip", files)):
        messages, tally = told("slack", path)
        assert said(messages) == [
            ("Tom", "hi"), ("Maya Diaz", "look"), ("helper", "beep"), ("Ann", "who?"),
            ("Robot", "boop"),
        ]  # fmt: skip
        assert [m.bot for m in messages] == [False, False, True, False, True]
        assert bins(tally) == {"kept": 5, "system": 1, "media": 1, "deleted": 1, "unparsed": 2}


def test_a_message_keeps_what_is_known_of_it(tmp_path: Path) -> None:
    files = workspace(
        message(1, "U2", "ok", thread_ts="1714564800.000100",
                reactions=[{"name": "+1", "count": 2, "users": ["U1", "U2"]}]),
        message(2, "U2", "", attachments=[{"is_share": True, "text": "news"}]),
    )  # fmt: skip
    messages, _ = told("slack", folder(tmp_path, files))
    assert messages[0] == Message(
        datetime(2024, 5, 1, 12, 1, 0, 200, tzinfo=UTC), "Maya Diaz", "ok", speaker_id="U2",
        id="1714564860.000200", reply_to="1714564800.000100", reactions=((":+1:", 2),),
    )  # fmt: skip
    assert (messages[1].text, messages[1].forwarded) == ("news", True)


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("<@U1> and <@U8|ann>, see <#C1|random>", "@Tom and @ann, see #random"),
        ("<!here> <!subteam^S1|@team> a &lt;b&gt; &amp;amp;", "@here @team a <b> &amp;"),
        ("<https://example.org> <http://a.org|a.org>", "https://example.org a.org"),
        ("1 < 2 > 0", "1 < 2 > 0"),
    ],
)
def test_markup_becomes_what_people_saw(tmp_path: Path, written: str, seen: str) -> None:
    messages, _ = told("slack", folder(tmp_path, workspace(message(1, "U1", written))))
    assert messages[0].text == seen


def test_channels_are_conversations_and_days_in_order(tmp_path: Path) -> None:
    days = {
        "general/2024-05-03.json": [message(3, "U1", "c")],
        "general/2024-05-02.json": [message(2, "U1", "b")],
        "a/2024-05-02.json": [message(0, "U1", "z")],
    }
    messages, _ = told(
        "slack", zipped(tmp_path / "x.zip", workspace(message(1, "U1", "a"), **days))
    )
    assert [(m.conversation, m.text) for m in messages] == [
        ("a", "z"), ("general", "a"), ("general", "b"), ("general", "c"),
    ]  # fmt: skip


ABOUT = "<@U1> uploaded a file: <https://x.slack.com/files/U1/F1/a.md|a.md>"


def test_what_slack_says_of_a_file_is_not_what_somebody_wrote(tmp_path: Path) -> None:
    remark = "<@U2> commented on <@U1>’s file <https://x.slack.com/F1|a.md>: two\nlines"
    files = workspace(
        message(1, "U1", ABOUT, subtype="file_share", file={"id": "F1"}),
        message(2, "U1", f"{ABOUT} and commented: the *notes*", subtype="file_share"),
        message(3, "", remark, subtype="file_comment", comment={"user": "U2", "comment": "two"}),
    )
    messages, tally = told("slack", folder(tmp_path, files))
    assert said(messages) == [("Tom", "the *notes*"), ("Maya Diaz", "two\nlines")]
    assert bins(tally) == {"kept": 2, "media": 1}


def test_a_program_speaks_in_attachments(tmp_path: Path) -> None:
    told_elsewhere = [{"text": "<https://a.org|a1b2>: a fix"}, {"fallback": "2 commits"}]
    beep = message(1, "", "", subtype="bot_message", bot_id="B1", attachments=told_elsewhere)
    messages, _ = told("slack", folder(tmp_path, workspace(beep)))
    assert [(m.speaker, m.text, m.bot) for m in messages] == [
        ("B1", "a1b2: a fix\n2 commits", True)
    ]


def test_a_dump_of_slackdump_has_answers_within_what_they_answer(tmp_path: Path) -> None:
    answer = message(2, "U2", "yo", thread_ts="1714564860.000200")
    asked = message(1, "U1", "hi", thread_ts="1714564860.000200", slackdump_thread_replies=[answer])
    dump = {"channel_id": "C1", "name": "general", "messages": [asked, message(3, "U1", "bye")]}
    messages, tally = told("slack", zipped(tmp_path / "x.zip", {"C1.json": dump}))
    assert said(messages) == [("U1", "hi"), ("U2", "yo"), ("U1", "bye")]
    assert messages[1].reply_to == messages[0].id
    assert detect(tmp_path / "x.zip").format == "slack"
    named, _ = told("slack", folder(tmp_path / "x", {"C1.json": dump, "users.json": USERS}))
    assert [m.speaker for m in named] == ["Tom", "Maya Diaz", "Tom"]
    assert bins(tally) == {"kept": 3}


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadExport, match="not a Slack export"):
        told("slack", folder(tmp_path, {"users.json": USERS}))
