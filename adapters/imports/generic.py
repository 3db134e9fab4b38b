"""Any table of messages: CSV or lines of JSON, with the columns named by the user or guessed.

Knows nothing of the app that wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from adapters.errors import BadExport, BadRequest
from adapters.messages import Message, Options, Tally

from .binning import Verdict, binned, named, plain
from .calendar import Calendar
from .entries import Export, opened
from .moments import Clock
from .records import json_lines
from .tables import header, rows

LOOKED_FOR = "generic: CSV or lines of JSON with columns like date, from and text"
TABLES = (".csv", ".tsv")
JSON_LINES = (".jsonl", ".ndjson")
GUESSES = {
    "at": ("at", "date", "time", "timestamp", "datetime", "created_at", "sent_at", "ts"),
    "speaker": ("speaker", "from", "sender", "author", "user", "username", "name", "sender_name"),
    "text": ("text", "body", "message", "content", "msg"),
    "conversation": ("conversation", "chat", "channel", "thread", "room"),
    "speaker_id": ("speaker_id", "sender_id", "author_id", "user_id", "from_id"),
    "id": ("id", "message_id"),
    "reply_to": ("reply_to", "reply_to_id", "in_reply_to"),
}
"""Role → names that columns often have, in lower case."""
NEEDED = ("at", "speaker", "text")
Record = Mapping[str, Any]


def read(path: Path, tally: Tally, options: Options) -> Iterator[Message]:
    """The messages of all tables of an export. Raises BadExport, or BadRequest for its columns."""
    if strange := [role for role in options.columns if role not in GUESSES]:
        known = ", ".join(GUESSES)
        raise BadRequest(f"there is no role {strange[0]!r} for a column; choose of {known}")
    with opened(path, options.watch, passes=2) as export:
        names = _tables(export)
        if not names:
            raise BadExport(f"{path} holds no table: no .csv, .tsv, .jsonl or .ndjson")
        columns = {name: _columns(export, name, options.columns) for name in names}
        cells = (_cell(r, columns[n]["at"]) for n in names for r in _records(export, n) if r)
        calendar = Calendar(cells, options.date_order, options.time_format)
        if calendar.order:
            tally.date_order, tally.date_order_reason = calendar.order
        clock = Clock()
        for name in names:
            conversation = Path(name).stem if len(names) > 1 else ""
            verdicts = (
                (_verdict(record, columns[name], conversation, calendar, clock), record)
                for record in _records(export, name)
            )
            yield from binned(tally, verdicts)


def detect(export: Export) -> str | None:
    """Why this looks like a table of messages, if it does."""
    for name in _tables(export):
        columns = _guessed(_names(export, name), {})
        if all(role in columns for role in NEEDED):
            listed = ", ".join(columns[role] for role in NEEDED)
            return f"{name} is a table with the columns {listed}"
    return None


def _tables(export: Export) -> list[str]:
    return export.ending(*TABLES, *JSON_LINES)


def _records(export: Export, name: str) -> Iterator[Record]:
    if name.lower().endswith(TABLES):
        yield from rows(export, name)
    else:
        for _, _, value in json_lines(export, name):
            yield value or {}


def _names(export: Export, name: str) -> list[str]:
    if name.lower().endswith(TABLES):
        return header(export, name)
    found: dict[str, None] = {}
    for count, (_, _, value) in enumerate(json_lines(export, name)):
        for key, inner in (value or {}).items():
            found[key] = None
            if isinstance(inner, dict):
                found.update(dict.fromkeys(f"{key}.{part}" for part in inner))
        if count >= 20:
            break
    return list(found)


def _columns(export: Export, name: str, asked: Mapping[str, str]) -> dict[str, str]:
    there = _names(export, name)
    listed = ", ".join(there[:20]) or "none"
    if missing := [column for column in asked.values() if column not in there]:
        raise BadRequest(f"{name} has no column {missing[0]!r}; it has: {listed}")
    columns = _guessed(there, asked)
    if lacking := [role for role in NEEDED if role not in columns]:
        raise BadRequest(
            f"say which column of {name} is the {lacking[0]} with --column {lacking[0]}=NAME; "
            f"it has: {listed}"
        )
    return columns


def _guessed(there: list[str], asked: Mapping[str, str]) -> dict[str, str]:
    """Role → column: as asked, else one of a name that tells it."""
    by_name = {_plain_name(name): name for name in reversed(there)}
    guessed = {
        role: next((by_name[guess] for guess in guesses if guess in by_name), "")
        for role, guesses in GUESSES.items()
    }
    taken = set(asked.values())
    free = {role: name for role, name in guessed.items() if name and name not in taken}
    return {**free, **asked}


def _plain_name(name: str) -> str:
    """sentAt, "Sent At" and SENT_AT are one name."""
    return re.sub(r"[\s-]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip())).lower()


def _cell(record: Record, column: str | None) -> str:
    """A cell's text; `author.name` looks into what is nested."""
    if column is None:
        return ""
    value = record.get(column)
    if value is None and "." in column:
        outer, _, inner = column.partition(".")
        nested = record.get(outer)
        value = nested.get(inner) if isinstance(nested, dict) else None
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    return str(value)


def _verdict(
    record: Record, columns: dict[str, str], conversation: str, calendar: Calendar, clock: Clock
) -> Verdict:
    at = calendar.at(_cell(record, columns["at"]))
    speaker = named(_cell(record, columns["speaker"]))
    if at is None or not speaker:
        return "unparsed"
    return Message(
        clock.alike(at),
        speaker,
        plain(_cell(record, columns["text"])),
        conversation=named(_cell(record, columns.get("conversation"))) or conversation,
        speaker_id=_cell(record, columns.get("speaker_id")),
        id=_cell(record, columns.get("id")),
        reply_to=_cell(record, columns.get("reply_to")),
    )
