"""sigtop: a file a conversation, as JSON of Signal's own records or as text, long or short."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from adapters.imports.binning import Verdict, binned, counted, named, plain
from adapters.imports.blocks import Block, blocks, settled
from adapters.imports.entries import Export
from adapters.imports.moments import Clock, epoch, iso
from adapters.imports.records import picked
from adapters.messages import Message, Tally

RECORDS = re.compile(
    r'(?s)\s*\[\s*\{(?=.*"conversationId"\s*:)(?=.*"(?:sent_at|received_at|timestamp)"\s*:)'
)
TEXT = re.compile(
    r"\ufeff?(?:Conversation: [^\n]*\n\s*\n(?:From: |Type: )"
    r"|\d{4}-\d\d-\d\d \d\d:\d\d [^\n]+?:)"
)
SHORT = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d) (.+?): ?(.*)")
DETAILS = re.compile(
    r"\[((?:reply to .+? on (?:unknown|\d{4}-\d\d-\d\d \d\d:\d\d)|edited|\d+ attachments?)"
    r"(?:, (?:edited|\d+ attachments?))*)\] ?"
)
FIELD = re.compile(r"(From|Type|Sent|Received|Attachment|Reaction|Edited): (.*)")
NUMBER = re.compile(r" \([^()]*\)$")
WRITTEN = ("incoming", "outgoing")
OWNER = "You"
NAMELESS = "sigtop's JSON has no names, only ids; its text format has them"


def read_records(export: Export, names: list[str], tally: Tally) -> Iterator[Message]:
    tally.notes.append(NAMELESS)
    for name in names:
        title = PurePosixPath(name).stem
        verdicts = (
            (_verdict(raw, title, len(names) > 1), raw) for _, raw in picked(export, name, ["item"])
        )
        yield from binned(tally, verdicts)


def _verdict(raw: Any, title: str, several: bool) -> Verdict:
    if not isinstance(raw, dict):
        return "unparsed"
    at, type_ = epoch(raw.get("sent_at") or raw.get("timestamp")), raw.get("type")
    if at is None or not isinstance(type_, str):
        return "unparsed"
    if type_ not in WRITTEN:
        return "system"
    if raw.get("deletedForEveryone") or raw.get("isErased"):
        return "deleted"
    text = plain(raw.get("body"))
    if not text and (raw.get("attachments") or raw.get("sticker")):
        return "media"
    id_ = next((v for k in ("sourceServiceId", "sourceUuid", "source") if (v := raw.get(k))), "")
    given, quote = raw.get("reactions"), raw.get("quote")
    return Message(
        at,
        OWNER if type_ == "outgoing" else named(str(id_)) or NUMBER.sub("", title),
        text,
        conversation=NUMBER.sub("", title) if several else "",
        speaker_id=str(id_),
        id=str(raw.get("sent_at") or raw.get("id") or ""),
        reply_to=str(quote.get("id") or "") if isinstance(quote, dict) else "",
        reactions=counted(
            str(one.get("emoji") or "")
            for one in (given if isinstance(given, list) else ())
            if isinstance(one, dict)
        ),
    )


def read_text(export: Export, names: list[str], tally: Tally) -> Iterator[Message]:
    clock = Clock()
    for name in names:
        conversation = NUMBER.sub("", PurePosixPath(name).stem) if len(names) > 1 else ""
        if export.head_text(name).startswith("Conversation: "):
            found = blocks(_marked(export.lines(name)), LONG.match, tally)
            told = ((_long(block, conversation, clock), block) for block in found)
        else:
            found = blocks(export.lines(name), SHORT.match, tally)
            told = ((_short(block, conversation, clock), block) for block in found)
        yield from settled(tally, told)


def _short(block: Block, conversation: str, clock: Clock) -> Verdict:
    at, speaker = iso(block.header[1]), named(block.header[2])
    if at is None or not speaker:
        return "unparsed"
    body = "\n".join([block.header[3], *block.more])
    if re.match(r"\[[\w-]+ message\]\s*$", body):
        return "system"
    details = DETAILS.match(body)
    text = plain(body[details.end() :] if details else body)
    if not text:
        return "media" if details and "attachment" in details[1] else "unparsed"
    return Message(clock.alike(at), speaker, text, conversation=conversation)


LONG = re.compile("\0(.*)")
"""The first line of a message in the long format, as `_marked` marks it."""


def _marked(lines: Iterator[str]) -> Iterator[str]:
    """Marks the title, and each "From:" (or "Type:") that begins a message, not words of one."""
    before, held = "", None
    yield "\0" + next(lines, "")
    for line in (line.replace("\0", "") for line in lines):
        if held is not None:
            begins = line.startswith(("Type: ", "Sent: "))
            yield "\0" + held if begins else held
            before, held = held, None
        if not before.strip() and line.startswith(("From: ", "Type: ")):
            held = line
        else:
            yield line
            before = line
    if held is not None:
        yield held


def _long(block: Block, conversation: str, clock: Clock) -> Verdict:
    if block.header[1].startswith("Conversation: "):
        return "system"
    fields: dict[str, list[str]] = {}
    lines = [block.header[1], *block.more]
    while lines and (found := FIELD.fullmatch(lines[0])):
        fields.setdefault(found[1], []).append(found[2])
        lines.pop(0)
    first = {name: values[0] for name, values in fields.items()}
    at = _at(first.get("Sent", "") or first.get("Received", ""))
    if first.get("Type") not in WRITTEN:
        return "system" if "Type" in first else "unparsed"
    if at is None or "From" not in first:
        return "unparsed"
    text = plain("\n".join(_newest(lines) if "Edited" in fields else _unquoted(lines)))
    if not text:
        return "media" if "Attachment" in fields else "deleted"
    return Message(
        clock.alike(at),
        named(NUMBER.sub("", first["From"])),
        text,
        conversation=conversation,
        reactions=counted(said.partition(" from ")[0] for said in fields.get("Reaction", ())),
    )


def _at(said: str) -> datetime | None:
    try:
        return datetime.strptime(said, "%a, %d %b %Y %H:%M:%S %z")
    except ValueError:
        return None


def _unquoted(lines: list[str]) -> list[str]:
    """The body below what it quotes."""
    quoted = [n for n, line in enumerate(lines) if line.startswith("> ") or line == ">"]
    begins_with_quote = quoted and not any(line.strip() for line in lines[: quoted[0]])
    if not begins_with_quote:
        return lines
    end = next((n for n in range(quoted[0], len(lines)) if not lines[n].startswith(">")), None)
    return [] if end is None else lines[end:]


def _newest(lines: list[str]) -> list[str]:
    """The body of an edited message's first version told, which is the newest."""
    told = [line.removeprefix("|").removeprefix(" ") for line in lines if line.startswith("|")]
    versions = [n for n, line in enumerate(told) if line.startswith("Version: ")]
    newest = told[versions[0] + 1 : versions[1] if len(versions) > 1 else None] if versions else []
    blank = next((n for n, line in enumerate(newest) if not line.strip()), len(newest))
    return _unquoted(newest[blank:])
