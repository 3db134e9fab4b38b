"""Discord's data package: what the owner of an account wrote, and nobody else.

messages/c123/messages.csv or .json, with `Messages` and bare ids in younger packages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from adapters.imports.binning import Conversations, Verdict, binned, named, plain
from adapters.imports.entries import Export
from adapters.imports.moments import Clock, utc
from adapters.imports.records import picked
from adapters.imports.tables import rows
from adapters.messages import Message, Tally

FILE = re.compile(r"(?:^|/)c?(\d{1,20})/messages\.(csv|json)$", re.IGNORECASE)
INDEX = re.compile(r"(?:^|/)messages/index\.json$", re.IGNORECASE)
USER = re.compile(r"(?:^|/)account/user\.json$", re.IGNORECASE)
FIELDS = re.compile(
    r'ID,Timestamp,Contents,Attachments\s|\s*\[\s*\{\s*"ID"\s*:[^{}]*"Contents"\s*:'
)
MAX_FILES_OF_A_CHANNEL = 3
SOMEBODY = "me"
ALONE = (
    "a data package holds only what its owner wrote: nobody else's messages are in it, so there "
    "is nothing to answer; save the channels with DiscordChatExporter to learn from replies"
)


def found(export: Export) -> list[str]:
    """The messages' files; JSON where a channel has both."""
    if len(export.names) <= MAX_FILES_OF_A_CHANNEL:
        lone = [name for name in export.names if _is_ours(export, name)]
        if lone:
            return lone
    by_channel: dict[str, str] = {}
    for name in export.names:
        if file := FILE.search(name):
            known = by_channel.get(file[1], "")
            if not known.lower().endswith(".json"):
                by_channel[file[1]] = name
    return list(by_channel.values())


def _is_ours(export: Export, name: str) -> bool:
    """A channel's file by itself, told by its fields."""
    return name.lower().endswith((".csv", ".json")) and bool(FIELDS.match(export.head_text(name)))


@dataclass(frozen=True)
class _Owner:
    name: str
    id: str


def read(export: Export, names: list[str], tally: Tally) -> Iterator[Message]:
    tally.notes.append(ALONE)
    owner, titles = _owner(export), _titles(export)
    if owner.name == SOMEBODY:
        tally.notes.append(
            f"the package does not say whose it is: its owner is called {SOMEBODY!r}"
        )
    clock, conversations = Clock(), Conversations()
    for name in names:
        channel = FILE.search(name)
        id_ = channel[1] if channel else export.path.stem if len(names) > 1 else ""
        title = titles.get(id_) or _title(export, name)
        conversation = conversations.name(title, id_)
        yield from binned(tally, _verdicts(export, name, conversation, owner, clock))


def _verdicts(
    export: Export, name: str, conversation: str, owner: _Owner, clock: Clock
) -> Iterator[tuple[Verdict, Any]]:
    if name.lower().endswith(".csv"):
        records: Iterator[Any] = iter(rows(export, name))
    else:
        records = (value for _, value in picked(export, name, ["item"]))
    for record in records:
        yield _verdict(record, conversation, owner, clock), record


def _verdict(raw: Any, conversation: str, owner: _Owner, clock: Clock) -> Verdict:
    at = utc(raw.get("Timestamp")) if isinstance(raw, dict) else None
    if at is None:
        return "unparsed"
    text = plain(raw.get("Contents"))
    if not text and raw.get("Attachments"):
        return "media"
    return Message(
        clock.alike(at),
        owner.name,
        text,
        conversation=conversation,
        speaker_id=owner.id,
        id=str(raw.get("ID") or ""),
    )


def _owner(export: Export) -> _Owner:
    for name in export.names:
        if USER.search(name):
            said = dict(picked(export, name, ["id", "username", "global_name"]))
            who = named(said.get("global_name")) or named(said.get("username")) or SOMEBODY
            return _Owner(who, str(said.get("id") or ""))
    return _Owner(SOMEBODY, "")


def _titles(export: Export) -> dict[str, str]:
    """Channel id → what the package calls it."""
    for name in export.names:
        if INDEX.search(name):
            return _index(export, name)
    return {}


def _index(export: Export, name: str) -> dict[str, str]:
    titles: Any = next((value for _, value in picked(export, name, [""])), {})
    if not isinstance(titles, dict):
        return {}
    return {id_: named(title) for id_, title in titles.items() if named(title)}


def _title(export: Export, name: str) -> str:
    """What the channel's own file calls it."""
    beside = re.sub(r"[^/]+$", "channel.json", name)
    if beside not in export.names:
        return ""
    said = dict(picked(export, beside, ["name", "guild.name"]))
    return " in ".join(part for part in map(named, said.values()) if part)
