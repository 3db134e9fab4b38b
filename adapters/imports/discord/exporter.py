"""DiscordChatExporter: one JSON or CSV file a channel."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from adapters.imports.binning import Conversations, Verdict, binned, named, plain
from adapters.imports.calendar import Calendar
from adapters.imports.entries import Export
from adapters.imports.moments import Clock, iso
from adapters.imports.records import picked
from adapters.imports.tables import header, rows
from adapters.messages import Message, Tally

GUILD = re.compile(r'\{\s*"guild"\s*:\s*\{')
COLUMNS = {"AuthorID", "Author", "Date", "Content"}
PEOPLES = ("Default", "Reply", "0", "19", "20", "21", "23")
"""Types of messages that people (or bots) write; the others tell of joins, pins and calls."""
SYSTEM = re.compile(
    r"(?:Joined the server|Pinned a message|Started a (?:call|thread)\b.*|Left the group"
    r"|Changed the channel (?:name|icon)\b.*|(?:Added|Removed) .+ (?:to|from) the group)\.?"
)
"""The same in CSV, which has no types."""
CHANNEL = ("channel.id", "channel.name", "channel.category", "guild.name", "guild.id")
PART = re.compile(r" \[part (\d{1,9})\](?=\.\w+$)", re.IGNORECASE)
ID_IN_NAME = re.compile(r"\[(\d+)\](?:\s*\[part \d+\])?\.csv$", re.IGNORECASE)


def found(export: Export) -> list[str]:
    names = [n for n in export.ending(".json") if _is_json(export.head_text(n))]
    names = names or [n for n in export.ending(".csv") if set(header(export, n)) >= COLUMNS]
    return sorted(names, key=_place)


def _place(name: str) -> tuple[str, int]:
    """A channel's parts in order: [part 2] follows the file without a part, and precedes 10."""
    part = PART.search(name)
    return PART.sub("", name), int(part[1]) if part else 1


def _is_json(head: str) -> bool:
    return bool(GUILD.match(head.lstrip())) and '"channel"' in head


def read(
    export: Export, names: list[str], tally: Tally, date_order: str | None
) -> Iterator[Message]:
    clock, conversations = Clock(), Conversations()
    for name in names:
        if name.lower().endswith(".csv"):
            verdicts = _rows(export, name, len(names) > 1, clock, date_order, tally)
        else:
            verdicts = _records(export, name, len(names) > 1, clock, conversations)
        yield from binned(tally, verdicts, lambda record: bool(record.get("timestampEdited")))


def _records(
    export: Export, name: str, several: bool, clock: Clock, conversations: Conversations
) -> Iterator[tuple[Verdict, Any]]:
    channel: dict[str, Any] = {}
    for prefix, value in picked(export, name, (*CHANNEL, "messages.item")):
        if prefix != "messages.item":
            channel[prefix] = value
            continue
        conversation = ""
        if several:
            title = named(channel.get("channel.name"))
            conversation = conversations.name(title, str(channel.get("channel.id") or name))
        yield _verdict(value, conversation, clock), value


def _verdict(raw: Any, conversation: str, clock: Clock) -> Verdict:
    if not isinstance(raw, dict):
        return "unparsed"
    at, author = iso(raw.get("timestamp")), raw.get("author")
    if at is None or not isinstance(author, dict):
        return "unparsed"
    if raw.get("type", "Default") not in PEOPLES:
        return "system"
    speaker = named(author.get("nickname")) or named(author.get("name"))
    text, forwarded = plain(raw.get("content")), raw.get("forwardedMessage")
    if isinstance(forwarded, dict) and not text:
        text = plain(forwarded.get("content"))
    if not speaker:
        return "unparsed"
    if not text and any(raw.get(field) for field in ("attachments", "stickers", "embeds")):
        return "media"
    reference = raw.get("reference")
    return Message(
        clock.alike(at),
        speaker,
        text,
        conversation=conversation,
        speaker_id=str(author.get("id") or ""),
        id=str(raw.get("id") or ""),
        reply_to=str(reference.get("messageId") or "") if isinstance(reference, dict) else "",
        reactions=_reactions(raw.get("reactions")),
        forwarded=isinstance(forwarded, dict),
        bot=author.get("isBot") is True,
    )


def _reactions(raw: Any) -> tuple[tuple[str, int], ...]:
    given = []
    for reaction in raw if isinstance(raw, list) else ():
        emoji = reaction.get("emoji") if isinstance(reaction, dict) else None
        if isinstance(emoji, dict) and isinstance(emoji.get("name"), str) and emoji["name"]:
            count = reaction.get("count")
            given.append((emoji["name"], count if isinstance(count, int) else 1))
    return tuple(given)


def _rows(
    export: Export,
    name: str,
    several: bool,
    clock: Clock,
    date_order: str | None,
    tally: Tally,
) -> Iterator[tuple[Verdict, dict[str, str]]]:
    id_ = ID_IN_NAME.search(name)
    conversation = (id_[1] if id_ else name) if several else ""
    calendar = Calendar((row.get("Date", "") for row in rows(export, name)), date_order)
    if calendar.order:
        tally.date_order, tally.date_order_reason = calendar.order
    for row in rows(export, name):
        yield _told(row, conversation, calendar, clock), row


def _told(row: dict[str, str], conversation: str, calendar: Calendar, clock: Clock) -> Verdict:
    at, speaker = calendar.at(row.get("Date", "")), _without_tag(named(row.get("Author")))
    if at is None or not speaker:
        return "unparsed"
    text = plain(row.get("Content"))
    if SYSTEM.fullmatch(text):
        return "system"
    if not text and row.get("Attachments"):
        return "media"
    return Message(
        clock.alike(at),
        speaker,
        text,
        conversation=conversation,
        speaker_id=row.get("AuthorID", ""),
        reactions=_counted(row.get("Reactions", "")),
    )


def _without_tag(author: str) -> str:
    return re.sub(r"#\d{4}$", "", author)


def _counted(cell: str) -> tuple[tuple[str, int], ...]:
    """👍 (2),❤ (1)"""
    return tuple((emoji, int(n)) for emoji, n in re.findall(r"([^\s,]{1,64}) \((\d{1,9})\)", cell))
