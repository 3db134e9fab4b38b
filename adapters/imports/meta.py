"""Messenger's and Instagram's downloads: message_1.json, message_2.json … of each conversation.

Newest message first, and UTF-8 told as if it were Latin-1: both are put right. Knows nothing of
personas or datasets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from struct import Struct
from tempfile import TemporaryFile
from typing import IO, Any

from adapters.errors import BadExport
from adapters.imports.binning import Conversations, Verdict, binned, counted, named, plain
from adapters.imports.entries import Export, opened
from adapters.imports.moments import Clock, epoch
from adapters.imports.records import picked
from adapters.messages import Message, Options, Tally

MESSENGER_LOOKED_FOR = "Messenger: message_1.json with sender_name and timestamp_ms"
INSTAGRAM_LOOKED_FOR = "Instagram: message_1.json with sender_name and timestamp_ms"
PART = re.compile(r"(?:^|/)message_(\d+)\.json$")
THREAD = re.compile(r"_\d+\.json$")
"""End-to-end encrypted conversations are one file each, named after the person."""
SENDER = re.compile(r'"(?:sender_name|senderName)"\s*:')
LENGTH = Struct("<I")
MEDIA = ("photos", "videos", "audio_files", "gifs", "sticker", "files", "media")
CALLS = ("Call", "Subscribe", "Unsubscribe", "placeholder")
REACTED = re.compile(r"(?:Reacted .{1,16} to your message|Liked a message)")
SENT = re.compile(r"sent (?:an attachment|a photo|a video|a voice message)\.")
DONE = re.compile(
    r"(?:named the group|created the group|left the (?:group|chat)|joined the (?:group|call|video)"
    r"|(?:changed|set|cleared|removed) the (?:group|chat|nickname|emoji|quick reaction|theme)"
    r"|(?:changed|set|cleared) (?:your|his|her|their) (?:own )?nickname|called you"
    r"|(?:added|removed) .{1,200} (?:to|from) the group|(?:un)?pinned a message"
    r"|missed (?:a|your) (?:video |audio )?(?:call|chat)|(?:started|created) a (?:poll|plan)"
    r"|(?:started|ended) (?:a|the) (?:video |audio )?(?:call|chat)"
    r"|turned (?:on|off) (?:vanish|disappearing))"
    r"\b.{0,200}"
)
"""What the app says of a person, in English; other languages are told by a message's type."""


def read(path: Path, tally: Tally, options: Options) -> Iterator[Message]:
    """The messages of a download, oldest first. Raises BadExport where it is none."""
    with opened(path, options.watch, passes=2) as export:
        conversations = _conversations(export)
        if not conversations:
            raise BadExport(
                f"{path} is no download of Messenger or Instagram: no message_1.json with "
                "sender_name in it; ask for your data in the format JSON, not HTML"
            )
        clock, names = Clock(), Conversations()
        for folder, parts in conversations.items():
            alone = len(conversations) == 1
            yield from binned(tally, _verdicts(export, folder, parts, alone, clock, names))


def detect_messenger(export: Export) -> str | None:
    """Why this looks like Messenger's, if it does."""
    return None if _is_instagram(export) else _reason(export)


def detect_instagram(export: Export) -> str | None:
    """Why this looks like Instagram's, if it does."""
    return _reason(export) if _is_instagram(export) else None


def _is_instagram(export: Export) -> bool:
    places = (str(export.path), *export.names[:1000])
    return any("instagram" in place.lower() for place in places)


def _reason(export: Export) -> str | None:
    found = next(iter(_conversations(export).values()), None)
    return f"{found[0]} has messages with sender_name and timestamp_ms" if found else None


def _conversations(export: Export) -> dict[str, list[str]]:
    """Conversation's place → its parts, in no order."""
    found: dict[str, list[str]] = {}
    for name in export.ending(".json"):
        part, lone = PART.search(name), len(export.names) == 1
        head = export.head_text(name) if part or lone or THREAD.search(name) else ""
        if SENDER.search(head) and '"messages"' in head:
            found.setdefault(name.rpartition("/")[0] if part else name, []).append(name)
    return found


def _verdicts(
    export: Export, folder: str, parts: list[str], alone: bool, clock: Clock, names: Conversations
) -> Iterator[tuple[Verdict, Any]]:
    title = "" if alone else named(repaired(_title(export, parts[0])))
    conversation = "" if alone else names.name(title, folder.rpartition("/")[2] or folder)
    records = (_oldest_first(export, part) for part in _ordered(export, parts))
    for raw in chain.from_iterable(records):
        yield _verdict(raw, conversation, clock), raw


def _title(export: Export, part: str) -> Any:
    return next((value for _, value in picked(export, part, ["title", "threadName"])), "")


def _ordered(export: Export, parts: list[str]) -> list[str]:
    """By the time of each part's first message: numbers run backwards in some years' downloads."""

    def begins(part: str) -> datetime:
        first = next((value for _, value in picked(export, part, ["messages.item"])), None)
        return _at(first) or datetime.max.replace(tzinfo=UTC)

    return sorted(parts, key=begins) if len(parts) > 1 else parts


def _oldest_first(export: Export, part: str) -> Iterator[Any]:
    """The records of one part: kept on disk first, as the oldest may be the last."""
    with TemporaryFile() as kept:
        before, forward = None, 0
        for _, raw in picked(export, part, ["messages.item"]):
            if at := _at(raw):
                forward += (at > (before or at)) - (at < (before or at))
                before = at
            record = json.dumps(raw).encode()
            size = LENGTH.pack(len(record))
            kept.write(size + record + size)
        yield from _backwards(kept) if forward < 0 else _forwards(kept)


def _forwards(kept: IO[bytes]) -> Iterator[Any]:
    kept.seek(0)
    while size := kept.read(LENGTH.size):
        yield json.loads(kept.read(LENGTH.unpack(size)[0]))
        kept.seek(LENGTH.size, 1)


def _backwards(kept: IO[bytes]) -> Iterator[Any]:
    end = kept.seek(0, 2)
    while end:
        kept.seek(end - LENGTH.size)
        (length,) = LENGTH.unpack(kept.read(LENGTH.size))
        end -= length + 2 * LENGTH.size
        kept.seek(end + LENGTH.size)
        yield json.loads(kept.read(length))


def _at(raw: Any) -> datetime | None:
    if not isinstance(raw, dict):
        return None
    return epoch(raw.get("timestamp_ms") or raw.get("timestamp"))


def _verdict(raw: Any, conversation: str, clock: Clock) -> Verdict:
    at = _at(raw)
    if at is None:
        return "unparsed"
    speaker = named(repaired(raw.get("sender_name") or raw.get("senderName")))
    if raw.get("is_unsent") or raw.get("isUnsent"):
        return "deleted"
    if raw.get("type") in CALLS or "call_duration" in raw:
        return "system"
    if not speaker:
        return "unparsed"
    text = plain(repaired(raw.get("content") or raw.get("text")))
    share = raw.get("share")
    if not text or _says_the_app(text, speaker, SENT):
        link = plain(repaired(share.get("link"))) if isinstance(share, dict) else ""
        if link:
            text = link
        elif text or isinstance(share, dict) or any(raw.get(field) for field in MEDIA):
            return "media"
    elif REACTED.fullmatch(text) or _says_the_app(text, speaker, DONE):
        return "system"
    return Message(
        clock.alike(at),
        speaker,
        text,
        conversation=conversation,
        reactions=_reactions(raw.get("reactions")),
    )


def _says_the_app(text: str, speaker: str, what: re.Pattern[str]) -> bool:
    """Such as "Tom named the group", in Tom's name."""
    whose = (who for who in ("You", speaker, speaker.split()[0]) if text.startswith(f"{who} "))
    return any(what.fullmatch(text[len(who) + 1 :]) for who in whose)


def _reactions(raw: Any) -> tuple[tuple[str, int], ...]:
    given = raw if isinstance(raw, list) else []
    return counted(repaired(one.get("reaction")) for one in given if isinstance(one, dict))


def repaired(text: Any) -> str:
    """UTF-8 that was told byte by byte as Latin-1; what is no such text stays as it is."""
    if not isinstance(text, str):
        return ""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text
