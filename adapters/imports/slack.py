"""A Slack workspace's export: users.json and a folder a channel with a file a day.

Knows nothing of personas or datasets.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.errors import BadExport
from adapters.messages import Message, Options, Tally

from .binning import Verdict, binned, named, plain
from .entries import Export, opened
from .moments import epoch
from .records import picked

LOOKED_FOR = "Slack: users.json and folders of files such as general/2024-05-01.json"
DAY = re.compile(r"(?:^|/)([^/]+)/\d{4}-\d\d-\d\d\.json$")
USERS = re.compile(r"(?:^|/)users\.json$")
CHANNELS = re.compile(r"(?:^|/)(?:channels|groups|dms|mpims)\.json$")
PEOPLES = ("", "me_message", "thread_broadcast", "file_share", "bot_message", "file_comment",
           "reply_broadcast")  # fmt: skip
"""Subtypes that somebody wrote; the others tell of joins, topics, pins and the like."""
DELETED = ("tombstone", "message_deleted")
MARKUP = re.compile(r"<(?!\s)([@#!]?)([^<>|]{1,4000})(?:\|([^<>]{0,4000}))?>")


@dataclass(frozen=True)
class _Person:
    name: str
    bot: bool


def read(path: Path, tally: Tally, options: Options) -> Iterator[Message]:
    """The messages of an export, channel after channel. Raises BadExport where it is none."""
    with opened(path, options.watch) as export:
        days = sorted((day[1], name) for name in export.names if (day := DAY.search(name)))
        if not days:
            raise BadExport(
                f"{path} is not a Slack export: no folder of days such as general/2024-05-01.json"
            )
        people = _people(export)
        several = len({channel for channel, _ in days}) > 1
        for channel, name in days:
            verdicts = (
                (_verdict(raw, channel if several else "", people), raw)
                for _, raw in picked(export, name, ["item"])
            )
            yield from binned(tally, verdicts, lambda record: bool(record.get("edited")))


def detect(export: Export) -> str | None:
    """Why this looks like Slack's, if it does."""
    day = next((name for name in export.names if DAY.search(name)), None)
    listed = next((n for n in export.names if USERS.search(n) or CHANNELS.search(n)), None)
    return f"it holds {listed} and days of channels such as {day}" if day and listed else None


def _people(export: Export) -> dict[str, _Person]:
    found: dict[str, _Person] = {}
    for name in export.names:
        if USERS.search(name):
            for _, user in picked(export, name, ["item"]):
                if isinstance(user, dict) and isinstance(user.get("id"), str):
                    found[user["id"]] = _Person(
                        _name(user) or user["id"], user.get("is_bot") is True
                    )
    return found


def _name(user: dict[str, Any]) -> str:
    profile = user.get("profile")
    places = (profile if isinstance(profile, dict) else {}, user)
    names = (
        named(place.get(key)) for key in ("display_name", "real_name", "name") for place in places
    )
    return next(filter(None, names), "")


def _verdict(raw: Any, channel: str, people: dict[str, _Person]) -> Verdict:
    if not isinstance(raw, dict) or raw.get("type", "message") != "message":
        return "unparsed"
    at, subtype = epoch(raw.get("ts")), raw.get("subtype") or ""
    if at is None:
        return "unparsed"
    if subtype in DELETED:
        return "deleted"
    if subtype not in PEOPLES:
        return "system"
    id_ = str(raw.get("user") or raw.get("bot_id") or "")
    speaker = _speaker(raw, id_, people)
    if not speaker:
        return "unparsed"
    text, shared = _text(raw.get("text"), people), _shared(raw)
    if not text and shared:
        text = _text(shared.get("text"), people)
    if not text and (raw.get("files") or raw.get("attachments") or raw.get("upload")):
        return "media"
    thread = str(raw.get("thread_ts") or "")
    return Message(
        at,
        speaker,
        text,
        conversation=channel,
        speaker_id=id_,
        id=str(raw.get("ts")),
        reply_to=thread if thread != str(raw.get("ts")) else "",
        reactions=_reactions(raw.get("reactions")),
        forwarded=shared is not None,
        bot=subtype == "bot_message" or (id_ in people and people[id_].bot),
    )


def _speaker(raw: dict[str, Any], id_: str, people: dict[str, _Person]) -> str:
    if id_ in people:
        return people[id_].name
    profile = raw.get("user_profile") or raw.get("bot_profile")
    told = _name(profile) if isinstance(profile, dict) else ""
    return told or named(raw.get("username")) or id_


def _shared(raw: dict[str, Any]) -> dict[str, Any] | None:
    given = raw.get("attachments")
    for one in given if isinstance(given, list) else ():
        if isinstance(one, dict) and one.get("is_share"):
            return one
    return None


def _text(text: Any, people: dict[str, _Person]) -> str:
    """What people saw: names for ids, words for links, and no escapes."""

    def seen(markup: re.Match[str]) -> str:
        sign, what, label = markup[1], markup[2], markup[3]
        if sign == "@":
            return "@" + (people[what].name if what in people else label or what)
        if sign == "#":
            return "#" + (label or what)
        if sign == "!":
            return label or "@" + what.partition("^")[0]
        return label or what

    return html.unescape(MARKUP.sub(seen, plain(text)))


def _reactions(raw: Any) -> tuple[tuple[str, int], ...]:
    given = []
    for one in raw if isinstance(raw, list) else ():
        if isinstance(one, dict) and isinstance(one.get("name"), str):
            count = one.get("count")
            given.append((f":{one['name']}:", count if isinstance(count, int) else 1))
    return tuple(given)
