"""Telegram's result.json: one chat, or all of an account below `chats.list`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adapters.imports.binning import Conversations, Verdict, binned, named, plain
from adapters.imports.entries import Export
from adapters.imports.moments import Clock, epoch, iso, zoned
from adapters.imports.records import picked
from adapters.messages import Message, Tally

LISTS = ("chats.list.item", "left_chats.list.item")
FIELDS = ("name", "type", "id")
PICKED = frozenset(
    {*FIELDS, "messages.item"} | {f"{at}.{of}" for at in LISTS for of in (*FIELDS, "messages.item")}
)
NOBODY = "Deleted Account"
MEDIA = ("media_type", "photo", "file", "poll", "location_information", "contact_information",
         "game_title", "invoice_information", "giveaway_information", "paid_media",
         "todo_list")  # fmt: skip


def read(export: Export, names: list[str], tally: Tally) -> Iterator[Message]:
    clock, conversations = Clock(), Conversations()
    for name in names:
        verdicts = _verdicts(export, name, len(names) > 1, clock, conversations)
        yield from binned(tally, verdicts, _edited)


def _verdicts(
    export: Export, name: str, several: bool, clock: Clock, conversations: Conversations
) -> Iterator[tuple[Verdict, Any]]:
    chat: dict[str, Any] = {}
    finished = False
    for prefix, value in picked(export, name, PICKED):
        above, _, last = prefix.rpartition(".")
        if last != "item":
            if finished:
                chat, finished = {}, False
            chat[last] = value
            continue
        finished = True
        conversation = ""
        if several or above != "messages":
            id_ = str(chat.get("id") or "")
            title = named(chat.get("name")) or named(chat.get("type")).replace("_", " ")
            conversation = conversations.name(title, id_)
        yield _verdict(value, chat, conversation, clock), value


def _verdict(raw: Any, chat: dict[str, Any], conversation: str, clock: Clock) -> Verdict:
    if not isinstance(raw, dict):
        return "unparsed"
    if raw.get("type") != "message":
        return "system" if raw.get("type") in ("service", "unsupported") else "unparsed"
    at = zoned(iso(raw.get("date")), epoch(raw.get("date_unixtime")))
    if at is None:
        return "unparsed"
    text = plain(_text(raw.get("text")))
    if not text and any(raw.get(field) for field in MEDIA):
        return "media"
    speaker = named(raw.get("from")) or NOBODY
    return Message(
        clock.alike(at),
        speaker,
        text,
        conversation=conversation,
        speaker_id=_id(raw.get("from_id")),
        id=_id(raw.get("id")),
        reply_to=_id(raw.get("reply_to_message_id")),
        reactions=_reactions(raw.get("reactions")),
        forwarded="forwarded_from" in raw,
        bot=bool(raw.get("via_bot"))
        or (chat.get("type") == "bot_chat" and speaker == named(chat.get("name"))),
    )


def _edited(raw: Any) -> bool:
    """Some years' exports say 1970 where nothing was edited."""
    return bool(raw.get("edited")) and not str(raw["edited"]).startswith("1970-")


def _text(text: Any) -> str:
    """A string, or pieces of which some are links, bold words and so on."""
    if not isinstance(text, list):
        return text if isinstance(text, str) else ""
    told = ""
    for piece in text:
        said = piece.get("text") if isinstance(piece, dict) else piece
        if isinstance(said, str):
            told += " " if _touches(told, piece) else ""
            told += said
    return told


def _touches(before: str, piece: Any) -> bool:
    """A link that begins in the middle of a word: the space was lost on the way."""
    link = isinstance(piece, dict) and piece.get("type") == "link"
    return link and bool(before) and (before[-1].isalnum() or before[-1] in ":,.;!?")


def _reactions(raw: Any) -> tuple[tuple[str, int], ...]:
    if not isinstance(raw, list):
        return ()
    found = []
    for reaction in raw:
        emoji = reaction.get("emoji") if isinstance(reaction, dict) else None
        if isinstance(emoji, str) and emoji:
            count = reaction.get("count")
            found.append((emoji, count if isinstance(count, int) else 1))
    return tuple(found)


def _id(value: Any) -> str:
    return str(value) if isinstance(value, (str, int)) and value else ""
