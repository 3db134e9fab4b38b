"""iMessage by way of imessage-exporter: text and pages tell the same."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from adapters.errors import BadExport
from tests.adapters.exports import bins, folder, said, told, zipped

TEXT = """\
May 17, 2022  5:29:42 PM (Read by them after 1 hour, 49 seconds)
Me
a line

and <b>one</b> more
Tapbacks:
Loved by Tom
🎉 by +1234

    May 17, 2022  5:31:00 PM
    Tom
    a reply

May 17, 2022  5:31:00 PM
Tom
a reply
This message responded to an earlier message.

May 17, 2022 10:32:00 PM
+1234
attachments/1/x.heic

May 17, 2022 10:33:00 PM
+1234
/Users/me/Library/Messages/Attachments/aa/y.jpg
look
Sent with Echo

May 17, 2022 10:34:00 PM Tom renamed the conversation to Friends

May 17, 2022 10:35:00 PM
Me
May 17, 2022 10:35:00 PM first wording
Edited 5 seconds later: second wording

May 17, 2022 10:36:00 PM
Tom
Tom unsent a message!

"""
SAID = [
    ("Me", "a line\n\nand <b>one</b> more"), ("Tom", "a reply"), ("+1234", "look"),
    ("Me", "second wording"),
]  # fmt: skip


def test_texts_of_imessage_exporter(tmp_path: Path) -> None:
    messages, tally = told("imessage", folder(tmp_path, {"Tom.txt": TEXT}))
    assert said(messages) == SAID
    assert messages[0].at == datetime(2022, 5, 17, 17, 29, 42)
    assert messages[0].reactions == (("❤️", 1), ("🎉", 1))
    counts = bins(tally)
    assert (counts["kept"], counts["media"], counts["system"], counts["deleted"]) == (4, 4, 2, 4)
    assert (tally.edited, "unparsed" in counts) == (1, False)


@pytest.mark.parametrize(
    ("written", "bin_"),
    [
        ("Outline Sticker from Me: attachments/1/x.heic (App: Memoji)", "media"),
        ("Sticker from Tom: a/b/c.heic", "media"),
        ("/backup/33/33c81da8ae3194fc5a0ea993ef6ffe0b048baedb", "media"),
        ("Digital Touch Kiss (1 kiss)", "system"),
        ("Check In: Timer Started\nExpected at Oct 14, 2023  1:54:29 PM", "system"),
        ("Fitness message:\nTom closed all rings", "system"),
        ("Started sharing location!", "system"),
    ],
)
def test_what_the_exporter_says_itself_is_nobodys_words(
    tmp_path: Path, written: str, bin_: str
) -> None:
    own = "here is the message:\nhi"
    text = f"May 17, 2022 10:36:00 PM\nTom\n{written}\n\nMay 17, 2022 10:37:00 PM\nTom\n{own}\n"
    messages, tally = told("imessage", folder(tmp_path, {"Tom.txt": text}))
    assert said(messages) == [("Tom", own)]
    assert bins(tally)[bin_] == written.count("\n") + 4


def test_a_time_that_is_none_is_unparsed(tmp_path: Path) -> None:
    text = "May 17, 2022 10:36:00 PM\nTom\nhi\n\nMay 99, 2022 10:36:00 PM\nTom\nyo\n"
    messages, tally = told("imessage", folder(tmp_path, {"Tom.txt": text}))
    assert said(messages) == [("Tom", "hi")]
    assert [number for number, _ in tally.unparsed_samples] == [5, 6, 7]


def html(at: str, who: str, body: str, more: str = "") -> str:
    return (
        f'<div class="message">\n<div class="sent iMessage">\n<p><span class="timestamp">'
        f'<a title="Reveal" href="sms://x">{at}</a> (Read by you after 5 seconds)</span>\n'
        f'<span class="sender">{who}</span></p>\n<hr><div class="message_part">{body}</div>\n'
        f"{more}</div></div>\n"
    )


def bubble(text: str) -> str:
    return f'<span class="bubble">{text}</span>'


def test_pages_tell_the_same(tmp_path: Path) -> None:
    reply = html("May 17, 2022  5:31:00 PM", "Tom", bubble("a reply"))
    tapbacks = (
        '<div class="tapbacks"><p>Tapbacks:</p>'
        '<div class="tapback"><span><b>Loved</b> by Tom</span></div>'
        '<div class="tapback"><span><b>🎉</b> by +1234</span></div></div>'
        f'<div class="replies"><div class="reply">{reply}</div></div>'
    )
    edited = (
        '<div class="edited"><table><tr><td><span class="timestamp">May 17, 2022 10:35:00 PM</span>'
        "</td><td>first wording</td></tr><tr><td>second wording</td></tr></table></div>"
    )
    page = "<html><head><style>.message_part{}</style></head><body>" + "".join(
        [
            html("May 17, 2022  5:29:42 PM", "Me",
                 bubble("a line<br><br>and &lt;b&gt;one&lt;/b&gt; more"), tapbacks),
            html("May 17, 2022  5:31:00 PM", "Tom", bubble("a reply"),
                 '<span class="reply_context">This message responded to an earlier one.</span>'),
            html("May 17, 2022 10:32:00 PM", "+1234", '<img src="x.heic">'),
            html("May 17, 2022 10:33:00 PM", "+1234",
                 f'<img src="y.jpg"></div><div class="message_part">{bubble("look")}',
                 '<span class="expressive">Sent with Echo</span>'),
            '<div class="announcement"><p><span class="timestamp">May 17, 2022 10:34:00 PM</span> '
            "Tom renamed the conversation to <b>Friends</b></p></div>",
            html("May 17, 2022 10:35:00 PM", "Me", edited),
            html("May 17, 2022 10:36:00 PM", "Tom", '<span class="unsent">Tom unsent it</span>'),
            html("yesterday", "Tom", bubble("?")),
        ]
    ) + "</body></html>"  # fmt: skip
    messages, tally = told("imessage", zipped(tmp_path / "x.zip", {"Tom.html": page}))
    assert said(messages) == SAID
    assert messages[0].at == datetime(2022, 5, 17, 17, 29, 42)
    assert messages[0].reactions == (("❤️", 1), ("🎉", 1))
    assert bins(tally) == {"kept": 4, "media": 1, "system": 1, "deleted": 1, "unparsed": 1}


def test_what_its_owner_deleted_is_deleted_though_the_words_are_still_there(tmp_path: Path) -> None:
    gone = "This message was deleted from the conversation!"
    text = f"May 17, 2022 10:36:00 PM\nTom\n{gone}\nhi\n\n"
    page = html("May 17, 2022 10:36:00 PM", "Tom", bubble("hi")).replace(
        "<hr>", f'<span class="deleted">{gone}</span><hr>'
    )
    for name, content in (("Tom.txt", text), ("Tom.html", page)):
        messages, tally = told("imessage", folder(tmp_path / name, {name: content}))
        assert messages == []
        assert tally.bins["deleted"] == tally.lines


def test_several_files_are_conversations(tmp_path: Path) -> None:
    text = "May 17, 2022 10:36:00 PM\nTom\nhi\n\n"
    messages, _ = told("imessage", folder(tmp_path, {"Tom.txt": text, "Friends.txt": text}))
    assert [m.conversation for m in messages] == ["Friends", "Tom"]


def test_another_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadExport, match="no output of imessage-exporter"):
        told("imessage", folder(tmp_path, {"a.txt": "hi", "b.html": "<p>hi</p>"}))
