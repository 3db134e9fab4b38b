"""What a command's options carry besides ids: people, roles and channels picked, files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.fakes.discord import message_payloads, payloads
from tests.fakes.discord.errors import Json
from tests.fakes.discord.nouns import Attachment, Channel, Guild, Role, User
from tests.fakes.discord.world import World


def value_of(option: Any) -> Any:
    """A person, a role, a channel or an uploaded file is sent as its id."""
    return option.id if isinstance(option, User | Role | Channel | Attachment) else option


def resolved(options: Iterable[Any], guild: Guild | None, world: World) -> Json:
    """The documented `resolved` object; a member in it has no user, deaf or mute of its own."""
    data: dict[str, Json] = {}
    for option in options:
        if isinstance(option, Role):
            data.setdefault("roles", {})[option.id] = payloads.role(option, 1)
        elif isinstance(option, Channel):
            partial = payloads.place(option, world) | {"permissions": "0"}
            data.setdefault("channels", {})[option.id] = partial
        elif isinstance(option, Attachment):
            data.setdefault("attachments", {})[option.id] = message_payloads.attachment(
                option, world
            )
        elif isinstance(option, User):
            data.setdefault("users", {})[option.id] = payloads.user(option)
            if guild is not None and guild.member(option) is not None:
                member = payloads.member(option, guild) | {"permissions": "0"}
                kept = {name: value for name, value in member.items() if name not in ALONE}
                data.setdefault("members", {})[option.id] = kept
    return {"resolved": data} if data else {}


ALONE = ("deaf", "mute")
"""Of a member, what only stands where the member stands alone."""
