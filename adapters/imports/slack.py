"""A Slack workspace's export: users.json and a folder a channel with a file a day; or slackdump's
dump: a file a channel, and the answers within what they answer.

Knows nothing of personas or datasets.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from adapters.errors import BadExport
from adapters.messages import Message, Options, Tally

from .binning import Verdict, binned, named, plain
from .entries import Export, opened
from .moments import epoch
from .records import picked

LOOKED_FOR = (
    "Slack: users.json and folders of files such as general/2024-05-01.json, or slackdump's"
)
DAY = re.compile(r"(?:^|/)([^/]+)/\d{4}-\d\d-\d\d\.json$")
USERS = re.compile(r"(?:^|/)users\.json$")
DUMP = re.compile(
    r'(?s)\s*\{\s*"(?:channel_id|thread_ts|name)"\s*:(?>.*?"messages"\s*:\s*\[).*?'
    r'"ts"\s*:\s*"\d{9,10}\.\d{6}"'
)
ANSWERS = "slackdump_thread_replies"
CHANNELS = re.compile(r"(?:^|/)(?:channels|groups|dms|mpims)\.json$")
PEOPLES = ("", "me_message", "thread_broadcast", "file_share", "bot_message", "file_comment",
           "reply_broadcast")  # fmt: skip
"""Subtypes that somebody wrote; the others tell of joins, topics, pins and the like."""
DELETED = ("tombstone", "message_deleted")
ABOUT_FILE = re.compile(
    r"<@[^<>]{1,100}> (?:uploaded|shared|commented on)\b[^<>\n]{0,40}"
    r"(?:<@[^<>]{1,100}>’s file |a file: )"
    r"<[^<>]{1,4000}>(?:(?: and commented)?:\s?(.*))?",
    re.DOTALL,
)
"""What Slack once said in the name of who shared a file, and perhaps their own words."""
MARKUP = re.compile(r"<(?!\s)([@#!]?)([^<>|]{1,4000})(?:\|([^<>]{0,4000}))?>")


@dataclass(frozen=True)
class _Person:
    name: str
    bot: bool


def read(path: Path, tally: Tally, options: Options) -> Iterator[Message]:
    """The messages of an export, channel after channel. Raises BadExport where it is none."""
    with opened(path, options.watch) as export:
        days = sorted((day[1], name) for name in export.names if (day := DAY.search(name)))
        dumps = [] if days else _dumps(export)
        if not days and not dumps:
            raise BadExport(
                f"{path} is not a Slack export: no folder of days such as general/2024-05-01.json, "
                "and no channel's dump by slackdump"
            )
        people = _people(export)
        channels = days or [(PurePosixPath(name).stem, name) for name in dumps]
        several = len({channel for channel, _ in channels}) > 1
        for channel, name in channels:
            verdicts = (
                (_verdict(raw, channel if several else "", people), raw)
                for _, found in picked(export, name, ["item" if days else "messages.item"])
                for raw in _with_answers(found)
            )
            yield from binned(tally, verdicts, lambda record: bool(record.get("edited")))


def detect(export: Export) -> str | None:
    """Why this looks like Slack's, if it does."""
    day = next((name for name in export.names if DAY.search(name)), None)
    listed = next((n for n in export.names if USERS.search(n) or CHANNELS.search(n)), None)
    if day and listed:
        return f"it holds {listed} and days of channels such as {day}"
    dump = next(iter(_dumps(export)), None)
    return f"{dump} is a channel as slackdump dumps it" if dump else None


def _dumps(export: Export) -> list[str]:
    return [name for name in export.ending(".json") if DUMP.match(export.head_text(name))]


def _with_answers(raw: Any) -> Iterator[Any]:
    answers = raw.get(ANSWERS) if isinstance(raw, dict) else None
    yield raw
    yield from answers if isinstance(answers, list) else ()


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
    comment = raw.get("comment")
    author = comment.get("user") if isinstance(comment, dict) else None
    id_ = str(raw.get("user") or author or raw.get("bot_id") or "")
    speaker = _speaker(raw, id_, people)
    if not speaker:
        return "unparsed"
    bot = subtype == "bot_message" or (id_ in people and people[id_].bot)
    text, shared = _text(_own_words(raw.get("text")), people), _shared(raw)
    if not text and shared:
        text = _text(shared.get("text"), people)
    if not text and bot:
        text = _text(_in_attachments(raw), people)
    if not text and (
        subtype == "file_share" or raw.get("files") or raw.get("attachments") or raw.get("upload")
    ):
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
        bot=bot,
    )


def _speaker(raw: dict[str, Any], id_: str, people: dict[str, _Person]) -> str:
    if id_ in people:
        return people[id_].name
    profile = raw.get("user_profile") or raw.get("bot_profile")
    told = _name(profile) if isinstance(profile, dict) else ""
    return told or named(raw.get("username")) or id_


def _own_words(text: Any) -> Any:
    """Without what Slack says of a file in somebody's name."""
    about = ABOUT_FILE.fullmatch(text) if isinstance(text, str) else None
    return (about[1] or "") if about else text


def _in_attachments(raw: dict[str, Any]) -> str:
    """What a program says: often nowhere else."""
    given = raw.get("attachments")
    told = (one for one in (given if isinstance(given, list) else ()) if isinstance(one, dict))
    return "\n".join(plain(one.get("text")) or plain(one.get("fallback")) for one in told)


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
