"""One message of a given text in an export of every format, as its app would write it."""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Callable

from tests.adapters import (
    exports,
    test_discord,
    test_imessage,
    test_meta,
    test_signal,
    test_slack,
    test_telegram,
)

Saying = tuple[str, str, Callable[[str], object]]
"""(format, name of the file, its content)"""


def _cells(*row: str) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(row)
    return written.getvalue()


def _long_sigtop(text: str) -> str:
    return (
        "Conversation: Tom\n\nFrom: Tom (+1)\nType: incoming\n"
        f"Sent: Wed, 1 May 2024 12:00:00 +0200\n\n{text}\n\n"
    )


SAYINGS: dict[str, Saying] = {
    "telegram": ("telegram", "result.json",
                 lambda text: test_telegram.chat("Tom", test_telegram.message(1, "Tom", text))),
    "telegram html": ("telegram", "messages.html", lambda text: test_telegram.page(
        test_telegram.entry(1, "Tom", html.escape(text)))),
    "discord": ("discord", "general [5].json",
                lambda text: test_discord.channel(test_discord.message(1, "tom", text))),
    "discord csv": ("discord", "general [5].csv", lambda text: test_discord.HEADER
                    + _cells("9", "tom", "2024-05-01T12:00:00+00:00", text, "", "")),
    "discord package": ("discord", "c1/messages.json", lambda text: [
        {"ID": 1, "Timestamp": "2024-05-01 12:01:00", "Contents": text, "Attachments": ""}]),
    "messenger": ("messenger", "message_1.json",
                  lambda text: test_meta.part(test_meta.message(1, "Tom", text))),
    "slack": ("slack", "general/2024-05-01.json",
              lambda text: [test_slack.message(1, "U1", html.escape(text, quote=False))]),
    "slackdump": ("slack", "C1.json", lambda text: {"channel_id": "C1", "messages": [
        test_slack.message(1, "U1", html.escape(text, quote=False))]}),
    "signal": ("signal", "Tom/chat.md", lambda text: f"[2024-05-01 12:00:00] Tom: {text}\n"),
    "signal json": ("signal", "data.json", lambda text: test_signal.record(text) + "\n"),
    "sigtop": ("signal", "Tom.txt", _long_sigtop),
    "sigtop short": ("signal", "Tom.txt", lambda text: f"2024-05-01 12:00 Tom: {text}\n"),
    "imessage": ("imessage", "Tom.txt", lambda text: f"May 17, 2022 10:36:00 PM\nTom\n{text}\n\n"),
    "imessage html": ("imessage", "Tom.html", lambda text: test_imessage.html(
        "May 17, 2022  5:29:42 PM", "Tom", test_imessage.bubble(html.escape(text)))),
    "weechat": ("irc", "#tea.weechatlog", lambda text: f"2024-05-01 12:00:00\ttom\t{text}\n"),
    "irssi": ("irc", "2024-05-01.log", lambda text: f"12:00 < tom> {text}\n"),
    "whatsapp": ("whatsapp", "_chat.txt", lambda text: f"31/12/2023, 21:05 - Tom: {text}\n"),
    "script": ("script", "play.txt", lambda text: f"TOM: {text}\nMAYA: yo\nTOM: no\n"),
    "script csv": ("script", "play.csv", lambda text: "name,line\n" + _cells("TOM", text)),
    "generic": ("generic", "a.csv",
                lambda text: "date,from,text\n" + _cells("1/2/2024 10:00", "Tom", text)),
    "generic json": ("generic", "a.jsonl", lambda text: json.dumps(
        {"date": 1714564800, "from": "Tom", "text": text}) + "\n"),
}  # fmt: skip
JSON = tuple(name for name, (_, file, _) in SAYINGS.items() if file.endswith(("json", "jsonl")))


def written(example: str, text: str) -> bytes:
    return exports.as_bytes(SAYINGS[example][2](text))
