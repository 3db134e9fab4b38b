"""Broken and hostile exports of every format: a sentence or a report, no crash, flat memory.

The mutations are seeded, so that what fails once fails again.
"""

from __future__ import annotations

import random
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest

from adapters.errors import AdaptersError
from adapters.imports import FORMATS, import_chat, list_speakers
from adapters.imports.formats import AUTO, KNOWN, detect
from adapters.messages import Options, Tally
from tests.adapters import (
    exports,
    test_discord,
    test_imessage,
    test_irc,
    test_meta,
    test_script,
    test_signal,
    test_slack,
    test_telegram,
    test_writing,
)
from tests.adapters.conftest import long_chat
from tests.adapters.exports import told

Telegram = test_telegram

EXAMPLES: dict[str, tuple[str, str, object]] = {
    "telegram": ("telegram", "result.json", {"chats": {"list": [
        Telegram.chat("Tom", Telegram.message(1, "Tom", ["a", {"type": "link", "text": "b"}])),
        Telegram.chat("Ann", Telegram.message(2, "Ann", "b", reply_to_message_id=1,
                                              reactions=[{"emoji": "👍", "count": 2}])),
    ]}}),
    "telegram html": ("telegram", "messages.html",
                      Telegram.page(Telegram.entry(1, "Tom", "a<br>b"))),
    "discord": ("discord", "general [5].json", test_discord.channel(
        test_discord.message(1, "tom", "hi", reactions=[{"emoji": {"name": "👍"}, "count": 2}]),
        test_discord.message(2, "maya", "yo", reference={"messageId": "1"}))),
    "discord csv": ("discord", "general [5].csv", test_discord.HEADER
                    + '"9","tom#0001","05/01/2024 9:15 PM","a ""b""\nc","","👍 (2)"\n' * 3),
    "discord package": ("discord", "messages.json",
                        test_discord.package()["package/messages/c11/messages.json"]),
    "messenger": ("messenger", "message_1.json", test_meta.part(
        test_meta.message(2, "Tom", "schön 🎉", reactions=[{"reaction": "x", "actor": "y"}]),
        test_meta.message(1, "Tom", photos=[{"uri": "x"}]))),
    "slack": ("slack", "general/2024-05-01.json",
              [test_slack.message(1, "U1", "<@U1> hi"), test_slack.message(2, "U2", "yo")]),
    "slackdump": ("slack", "C1.json", {"channel_id": "C1", "name": "general", "messages": [
        test_slack.message(1, "U1", "hi", slackdump_thread_replies=[
            test_slack.message(2, "U2", "yo")])]}),
    "instagram": ("instagram", "instagram/message_1.json",
                  test_meta.part(test_meta.message(1, "Tom", "hi"))),
    "signal": ("signal", "chat.md", test_signal.MARKDOWN),
    "signal json": ("signal", "data.json", test_signal.record("a\nb") + "\n"),
    "sigtop": ("signal", "Tom.txt", test_signal.LONG),
    "sigtop short": ("signal", "Tom.txt", test_signal.SHORT),
    "imessage": ("imessage", "Tom.txt", test_imessage.TEXT),
    "imessage html": ("imessage", "Tom.html", test_imessage.html(
        "May 17, 2022  5:29:42 PM", "Me", test_imessage.bubble("a<br>b"))),
    "weechat": ("irc", "#tea.weechatlog", test_irc.WEECHAT),
    "irssi": ("irc", "#tea.log", test_irc.IRSSI),
    "hexchat": ("irc", "#tea.log", test_irc.HEXCHAT),
    "irc bot": ("irc", "#tea.log", test_irc.BOT),
    "ubuntu": ("irc", "2024/05/01/#tea.txt", test_irc.UBUNTU),
    "dircproxy": ("irc", "2024-05-01-tea.log", test_irc.DIRCPROXY),
    "whatsapp": ("whatsapp", "_chat.txt", "\n".join(long_chat(2))),
    "script": ("script", "play.txt", test_script.INLINE),
    "script csv": ("script", "play.csv", "scene,name,line\n1,TOM,hi\n2,MAYA,yo\n"),
    "generic": ("generic", "a.csv", 'date,from,text\n1/2/2024 10:00,Tom,"a\nb"\n' * 3),
    "markdown": ("writing", "tea.md", test_writing.MARKDOWN),
    "restructured text": ("writing", "rain.rst", test_writing.RST),
    "page": ("writing", "snow.html", test_writing.HTML),
    "rss": ("writing", "feed.xml", test_writing.RSS),
    "atom": ("writing", "feed.atom", test_writing.ATOM),
    "zip": ("discord", "x.zip", exports.packed(test_discord.package(extension="csv"))),
    "generic json": ("generic", "a.jsonl", '{"date": 1714564800, "from": "Tom", "text": "a"}\n'),
}  # fmt: skip
HOSTILE = (
    b'"', b"{", b"}", b"[", b"]", b",", b":", b"\xff", b"\xc3", b"\x00", b"\n", b"\r", b"\n\n",
    b"\\", b"<", b"</div>", b'<div class="message">', b"&#99999999;", b"<!--", b"<![CDATA[", b"-1",
    b"null", b"true", b"1e308", b"9" * 30, b"9" * 5000, b"[" * 100, b'{"a":' * 100, b"\\ud800",
    b"NaN", b"2024-", b"0000-00-00", b"From: ", b"Type: ", b"(",
    b"---\n", b"+++", b"{{<", b"<article>", b"<p>" * 50, b"<!DOCTYPE x [", b"<item>", b".. raw:: ",
    b"- ", b"> ", b"| ",
    "\u202e\u2066".encode(),
)  # fmt: skip


def mutated(data: bytes, other: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.choice((0, 0, 1, 5, 40, len(data))))
        piece = other[: chance.randrange(len(other) + 1)]
        new = chance.choice((b"", data[at:end] * 2, piece, *[chance.choice(HOSTILE)] * 4))
        data = data[:at] + new + data[end:]
    return data


IMPORTED = 25
"""Every so many inputs are imported whole, too."""


def survive(example: str, folder: Path, rounds: int, seed: int) -> int:
    """How many of an example and its mutations were read to the end; all others got a sentence.

    Each is knocked with at every door: detection, who speaks, the reading; some are imported.
    """
    home = folder.parent / "home"
    format, name, content = EXAMPLES[example]
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    data, chance, read = exports.as_bytes(content), random.Random(seed), 0
    others = [exports.as_bytes(content) for _, _, content in EXAMPLES.values()]
    for number in range(rounds):
        path.write_bytes(mutated(data, chance.choice(others), chance) if number else data)
        at = path if number % 2 or name.endswith(".zip") else folder
        with suppress(AdaptersError):
            detect(at)
        with suppress(AdaptersError):
            list_speakers(AUTO, at)
        with suppress(AdaptersError):
            who = [message.speaker for message in told(format, at)[0]]
            read += 1
            if number % IMPORTED == 0:
                import_chat(format, at, "maya", who[:1], home)
    return read


def test_every_format_has_an_example() -> None:
    assert {format for format, _, _ in EXAMPLES.values()} >= set(KNOWN)


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_broken_export_gets_a_sentence_or_a_report(tmp_path: Path, example: str) -> None:
    assert survive(example, tmp_path / "x", rounds=40, seed=1) > 0


@pytest.mark.soak
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("example", EXAMPLES)
def test_a_thousand_broken_exports_of_each_kind(tmp_path: Path, example: str) -> None:
    assert survive(example, tmp_path / "x", rounds=1000, seed=2) > 0


def many(example: str, times: int) -> bytes:
    """An export of that kind with many messages."""
    if example == "telegram":
        messages = (Telegram.message(n % 60, "Tom", f"hi {n}") for n in range(times))
        return exports.as_bytes(Telegram.chat("Tom", *messages))
    if example == "telegram html":
        return Telegram.page(*(Telegram.entry(n % 60, "Tom", "hi") for n in range(times))).encode()
    if example == "discord":
        return exports.as_bytes(
            test_discord.channel(*(test_discord.message(n % 60, "tom", "hi") for n in range(times)))
        )
    if example == "messenger":
        return exports.as_bytes(
            test_meta.part(*(test_meta.message(-n, "Tom", "hi") for n in range(times)))
        )
    if example == "rss":
        item = "<item><title>Day %s</title><description>Some words.</description></item>"
        return f"<rss><channel>{''.join(item % n for n in range(times))}</channel></rss>".encode()
    rows = {
        "generic": ("date,from,text\n", "2024-05-01,Tom,hi\n"),
        "script": ("", "TOM: hi\nMAYA: yo\n"),
        "weechat": ("", "2024-05-01 12:00:00\ttom\thi\n"),
        "imessage": ("", "May 17, 2022 10:36:00 PM\nTom\nhi\n\n"),
        "signal": ("", "[2024-05-01 12:00:00] Me: hi\n"),
    }
    return (rows[example][0] + rows[example][1] * times).encode()


def peak_bytes(format: str, path: Path) -> int:
    tally = Tally()
    tracemalloc.start()
    try:
        read = sum(1 for _ in FORMATS[format](path, tally, Options()))
        assert read >= tally.lines // 4 > 0
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "example",
    ["telegram", "telegram html", "discord", "messenger", "generic", "script", "weechat",
     "imessage", "signal", "rss"],
)  # fmt: skip
def test_memory_does_not_grow_with_the_file(tmp_path: Path, example: str) -> None:
    format, name, _ = EXAMPLES[example]
    path = tmp_path / name
    peaks = []
    for times in (1_000, 5_000):
        path.write_bytes(many(example, times))
        peaks.append(peak_bytes(format, path))
    assert peaks[1] < peaks[0] + 300_000
