"""Other people's exports and what their own tests expect of them.

Where we differ, and why:

| file | the peer | we | because |
| --- | --- | --- | --- |
| telegram/chatstyle, message 8 | a message | media | a sticker is no text to learn from |
| telegram/chatstyle, message 10 | a message | kept, empty | cleaning drops it, with a count |
| telegram_channel.json (langchain) | a message each | refused | Telethon's dump, not an export of \
Telegram's: it names no speaker; `generic` reads it with its columns named |
| instagram target (chat-miner) | newest first | oldest first | answers follow what they answer |
| messenger (langchain), photo | skipped | media | every record is in a bin |
"""

from __future__ import annotations

import json
from datetime import UTC
from pathlib import Path

import pytest

from adapters.errors import BadExport
from adapters.messages import Message
from tests.adapters.exports import bins, said, told

MINER = "joweich__chat-miner/test"
LANGCHAIN = "langchain-ai__langchain-community/libs/community/tests"


def naive(message: Message) -> tuple[str, str, str]:
    at = message.at.astimezone(UTC) if message.at.tzinfo else message.at
    return at.strftime("%Y-%m-%dT%H:%M:%S"), message.speaker, message.text


def wanted(path: Path) -> list[tuple[str, str, str]]:
    rows = json.loads(path.read_text("utf-8"))
    return [(row["timestamp"], row["author"], row["message"]) for row in rows]


@pytest.mark.parametrize("name", ["test_single_export.json", "test_batch_export.json"])
def test_telegram_as_chat_miner_reads_it(shared: Path, name: str) -> None:
    at = shared / "telegram" / MINER / "telegram"
    messages, _ = told("telegram", at / name)
    assert [naive(m) for m in messages] == wanted(at / "target.json")


def test_telegram_as_langchain_reads_it(shared: Path) -> None:
    data = shared / "telegram" / LANGCHAIN / "unit_tests/chat_loaders/data"
    pages, _ = told("telegram", data / "telegram_chat_html")
    records, _ = told("telegram", data / "telegram_chat_json")
    want = [
        ("Jimmeny Marvelton", "i refuse to converse with you"),
        ("Batman & Robin", "Hi nemesis"),
        ("Jimmeny Marvelton", "we meet again"),
        ("Jimmeny Marvelton", "you will not trick me this time"),
    ]
    assert said(pages) == said(records) == want
    documents = shared / "telegram" / LANGCHAIN / "unit_tests/document_loaders/test_docs"
    messages, _ = told("telegram", documents / "telegram.json")
    assert [m.text for m in messages] == ["It's 2020...", "Fireworks!", "You're a minute late!"]
    with pytest.raises(BadExport, match="not a Telegram export"):
        told("telegram", documents / "telegram_channel.json")


def test_telegram_with_service_messages_and_stickers(shared: Path) -> None:
    at = shared / "telegram" / "DomaCKBO3H9K__chatstyle" / "tests" / "fixtures"
    messages, tally = told("telegram", at / "result.json")
    assert bins(tally) == {"kept": 10, "system": 1, "media": 1}
    assert [m.id for m in messages if m.forwarded] == ["7"]
    assert messages[2].text == "смотри https://example.com/a круто"


def test_discord_as_chatpack_reads_it(shared: Path) -> None:
    at = shared / "discord" / "Berektassuly__chatpack-cli" / "tests" / "fixtures"
    messages, tally = told("discord", at / "discord_export.json")
    assert bins(tally) == {"kept": 7}
    assert (messages[4].reply_to, messages[3].id) == ("1004", "1004")


def test_discord_as_the_exporters_frontend_shows_it(shared: Path) -> None:
    messages, _ = told("discord", shared / "discord" / "slatinsky__DiscordChatExporter-frontend")
    assert [m.speaker for m in messages] == ["Adam"]


@pytest.mark.parametrize(
    ("layout", "counts"),
    [
        ("package_2025_capital_M", {"general": 1, "Direct Message with pal#1234": 2}),
        ("package_lowercase", {"general": 1, "Direct Message with pal#1234": 2}),
        (
            "package_legacy_csv",
            {"csv channel": 1, "general in Dev Server": 2, "Direct Message with alice#0001": 1},
        ),
    ],
)
def test_discords_data_package(shared: Path, layout: str, counts: dict[str, int]) -> None:
    messages, tally = told("discord", shared / "discord" / "gdpr_package_layouts" / layout)
    found = [m.conversation for m in messages]
    assert {name: found.count(name) for name in found} == counts
    assert tally.lines == (5 if layout.endswith("csv") else 3)


def test_instagram_as_chat_miner_reads_it(shared: Path) -> None:
    at = shared / "messenger" / MINER / "instagram"
    messages, _ = told("instagram", at / "test_export.json")
    assert [naive(m) for m in messages] == wanted(at / "target.json")[::-1]


def test_messenger_as_langchain_reads_it(shared: Path) -> None:
    at = shared / "messenger" / LANGCHAIN / "examples" / "facebook_chat.json"
    raw = json.loads(at.read_text("utf-8"))["messages"]
    messages, tally = told("messenger", at)
    assert [m.text for m in messages] == [m["content"] for m in raw if "content" in m][::-1]
    assert bins(tally) == {"kept": 10, "media": 1}
