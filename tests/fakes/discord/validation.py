"""What Discord checks in a message before it takes it, and whom the message then pings."""

from __future__ import annotations

import re
from typing import Any

from tests.fakes.discord.components import check_rows
from tests.fakes.discord.errors import Json, empty_message, invalid_field
from tests.fakes.discord.nouns import Face, Message, Role, User
from tests.fakes.discord.permissions import Permission
from tests.fakes.discord.world import World

MAX_CONTENT = 2000
MAX_NONCE = 25
MAX_MENTIONED = 100
SETTABLE_FLAGS = 1 << 2 | 1 << 12  # suppress embeds, suppress notifications
CREATE_FIELDS = {
    "content",
    "nonce",
    "enforce_nonce",
    "tts",
    "embeds",
    "allowed_mentions",
    "message_reference",
    "components",
    "sticker_ids",
    "attachments",
    "files",
    "flags",
    "poll",
}
EDIT_FIELDS = {
    "content",
    "embeds",
    "flags",
    "allowed_mentions",
    "components",
    "attachments",
    "files",
    "tts",  # not a field of an edit, but discord.py sends it in every one, and Discord ignores it
}
MENTION_PARSES = {"roles", "users", "everyone"}


def check_create(body: Json) -> None:
    """Raises ApiError for what Discord refuses in a new message."""
    _check_content(body)
    if not str(body.get("content") or "").strip() and not _has_something_else(body):
        raise empty_message()
    nonce = body.get("nonce")
    if nonce is not None and (not isinstance(nonce, int | str) or len(str(nonce)) > MAX_NONCE):
        raise invalid_field("nonce", "NONCE_INVALID", "A nonce is at most 25 characters.")
    if not isinstance(body.get("tts", False), bool):
        raise invalid_field("tts", "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
    _check_flags(body)
    check_rows(body.get("components"))
    check_allowed_mentions(body.get("allowed_mentions"))


def check_edit(body: Json) -> None:
    """Raises ApiError for what Discord refuses in an edit."""
    _check_content(body)
    emptied = body.get("content") is not None and not str(body["content"]).strip()
    if emptied and not _has_something_else(body):
        raise empty_message()
    _check_flags(body)
    check_rows(body.get("components"))
    check_allowed_mentions(body.get("allowed_mentions"))


def _check_content(body: Json) -> None:
    content = body.get("content")
    if content is None:
        return
    if not isinstance(content, str):
        raise invalid_field("content", "STRING_TYPE_CONVERT", "Could not interpret as string.")
    if len(content) > MAX_CONTENT:
        raise invalid_field(
            "content", "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_CONTENT} or fewer in length."
        )


def _has_something_else(body: Json) -> bool:
    return any(body.get(name) for name in ("embeds", "sticker_ids", "components", "files", "poll"))


def _check_flags(body: Json) -> None:
    flags = body.get("flags")
    if flags is None:
        return
    if not isinstance(flags, int):
        raise invalid_field("flags", "NUMBER_TYPE_COERCE", f'Value "{flags}" is not int.')
    if flags & ~SETTABLE_FLAGS:
        raise invalid_field("flags", "MESSAGE_FLAGS_INVALID", "These flags can't be set.")


def check_allowed_mentions(allowed: Any) -> None:
    """The documented shape: known parses, at most 100 ids, no parse beside its ids."""
    if allowed is None:
        return
    if not isinstance(allowed, dict):
        raise invalid_field(
            "allowed_mentions", "DICT_TYPE_CONVERT", "Only dictionaries may be used."
        )
    parse = allowed.get("parse") or []
    if not set(parse) <= MENTION_PARSES:
        raise invalid_field(
            "allowed_mentions.parse", "BASE_TYPE_CHOICES", "Value must be one of the known parses."
        )
    for kind in ("users", "roles"):
        ids = allowed.get(kind) or []
        if len(ids) > MAX_MENTIONED:
            raise invalid_field(
                f"allowed_mentions.{kind}",
                "BASE_TYPE_MAX_LENGTH",
                "Must be 100 or fewer in length.",
            )
        if any(not str(one).isdigit() for one in ids):
            raise invalid_field(
                f"allowed_mentions.{kind}", "NUMBER_TYPE_COERCE", "Value is not snowflake."
            )
        if ids and kind in parse:
            raise invalid_field(
                "allowed_mentions.parse",
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.',
            )


def unknown_fields(body: Json, known: set[str]) -> set[str]:
    """Discord ignores them in silence; the fake remembers them as oddities."""
    return set(body) - known


def settle_mentions(message: Message, allowed: Json | None, world: World) -> None:
    """Fills in whom the message mentions and pings, by its text and its allowed mentions.

    Without `allowed_mentions` everything in the text pings, as it does for people, and so does
    the author of the message replied to.
    """
    users = [world.users[one] for one in _ids(message, r"<@!?(\d+)>") if one in world.users]
    guild = message.channel.guild
    known = guild.roles if guild is not None else []
    roles = [one for one in known if one.id in _ids(message, r"<@&(\d+)>")]
    users = [one for one in users if _allows(allowed, "users", one.id)]
    roles = [one for one in roles if _allows(allowed, "roles", one.id)]
    answered = _answered(message, allowed, world)
    if answered is not None and answered not in users:
        users.append(answered)
    message.mentions, message.mention_roles = users, roles
    message.pinged = _pinged(message, users, roles, allowed, world)


def _ids(message: Message, pattern: str) -> list[str]:
    return list(dict.fromkeys(re.findall(pattern, message.content)))


def _allows(allowed: Json | None, kind: str, subject_id: str) -> bool:
    if allowed is None:
        return True
    if kind in (allowed.get("parse") or []):
        return True
    return subject_id in [str(one) for one in allowed.get(kind) or []]


def _answered(message: Message, allowed: Json | None, world: World) -> User | None:
    replied_user = True if allowed is None else bool(allowed.get("replied_user", False))
    if message.reply_to is None or not replied_user:
        return None
    replied_to = world.find_message(message.reply_to)
    return replied_to.author if replied_to is not None else None


def _pinged(
    message: Message, users: list[User], roles: list[Role], allowed: Json | None, world: World
) -> set[str]:
    pinged = {one.id for one in users} | {one.id for one in roles}
    if re.search(r"@(everyone|here)", message.content):
        may = isinstance(message.author, Face) or world.permissions(
            message.author, message.channel
        ) & (Permission.MENTION_EVERYONE | Permission.ADMINISTRATOR)
        if may and (allowed is None or "everyone" in (allowed.get("parse") or [])):
            pinged.add("everyone")
    return pinged
