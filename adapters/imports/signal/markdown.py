"""signal-export: a folder a chat with chat.md and, from the younger versions, data.json."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from adapters.imports.binning import Verdict, binned, counted, named, plain
from adapters.imports.blocks import Block, blocks, settled
from adapters.imports.entries import Export
from adapters.imports.moments import Clock, iso
from adapters.imports.records import json_lines
from adapters.messages import Message, Tally

RECORD = re.compile(r'\s*\{"date": ?"[^"]{10,40}", ?"sender": ?"')
HEADER = re.compile(r"\[(\d{4}-\d\d-\d\d,? \d\d:\d\d(?::\d\d)?)\] (.*?): ?(.*)", re.DOTALL)
PAGE = re.compile(r"\s*\[\d{4}-\d\d-\d\d,? \d\d:\d\d(?::\d\d)?\] [^\n]*?:")
REACTIONS = ("(- ", " -)")
QUOTE = re.compile(r"\A\s*(?:> .*(?:\n|\Z))+")
ATTACHED = re.compile(
    r"!?\[[^\[\]\n]{0,300}\]\((?:\.{1,2}|media)/[^\n]{1,400}?\)(?=[.,;:!?)]{0,3}(?:\s|\Z|!?\[))"
    r"|\((?:media|attachment) not exported\)(?=  |\Z)"
)
STICKER = re.compile(r"\(\( .{0,80} \)\)")
DELETED = "(This message was deleted)"
CALL = re.compile(
    r"(?:(?:Incoming|Outgoing|Missed) (?:voice |video |group )?call(?: \(.*\))?|Started a call)"
)


def read_records(export: Export, names: list[str], tally: Tally) -> Iterator[Message]:
    clock = Clock()
    for name in names:
        conversation = _conversation(name) if len(names) > 1 else ""
        yield from binned(
            tally,
            (
                (_verdict(value or {}, conversation, clock), line)
                for _, line, value in json_lines(export, name)
            ),
        )


def _conversation(name: str) -> str:
    """The folder of a chat is named after it."""
    folder = name.rpartition("/")[0].rpartition("/")[2]
    return folder or name


def _verdict(raw: dict[str, Any], conversation: str, clock: Clock) -> Verdict:
    at, speaker = iso(raw.get("date")), named(raw.get("sender"))
    if at is None or not speaker:
        return "unparsed"
    text = plain(raw.get("body"))
    if raw.get("deleted") is True or text == DELETED:
        return "deleted"
    if raw.get("call") is True or CALL.fullmatch(text):
        return "system"
    if not text:
        return "media" if raw.get("attachments") or raw.get("sticker") else "system"
    given = raw.get("reactions")
    return Message(
        clock.alike(at),
        speaker,
        text,
        conversation=conversation,
        reactions=counted(map(_emoji, given if isinstance(given, list) else ())),
    )


def _emoji(reaction: Any) -> str:
    """["Tom", "👍"], or the same with names."""
    if isinstance(reaction, dict):
        return str(reaction.get("emoji") or "")
    pair = isinstance(reaction, list) and len(reaction) == 2
    return str(reaction[1]) if pair else ""


def read_pages(export: Export, names: list[str], tally: Tally) -> Iterator[Message]:
    clock = Clock()
    for name in names:
        conversation = _conversation(name) if len(names) > 1 else ""
        found = blocks(export.lines(name), HEADER.match, tally)
        yield from settled(tally, ((_told(block, conversation, clock), block) for block in found))


def _told(block: Block, conversation: str, clock: Clock) -> Verdict:
    at = iso(block.header[1].replace(",", ""))
    speaker = named(block.header[2])
    if at is None or not speaker:
        return "unparsed"
    body = "\n".join([block.header[3], *block.more])
    if body.strip() == DELETED:
        return "deleted"
    if CALL.fullmatch(body.strip()):
        return "system"
    bare = STICKER.sub("", ATTACHED.sub("", body))
    written, reactions = _without_reactions(bare)
    text = plain(QUOTE.sub("", written))
    if not text:
        return "media" if bare != body else "system"
    return Message(
        clock.alike(at),
        speaker,
        "\n".join(line.rstrip() for line in text.split("\n")),
        conversation=conversation,
        reactions=_counted(reactions),
    )


def _without_reactions(body: str) -> tuple[str, str]:
    """What was written, and who reacted how, between the marks in the last line."""
    begin, end = REACTIONS
    before, mark, told = body.rstrip().rpartition(begin)
    if mark and told.endswith(end) and (not before or before.endswith("\n")):
        return before, told.removesuffix(end)
    return body, ""


def _counted(told: str) -> tuple[tuple[str, int], ...]:
    """Tom: 👍, Maya: 👍"""
    return counted(part.rpartition(": ")[2].strip() for part in told.split(", "))
