"""What a command's options carry besides ids: the people and roles that were picked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.fakes.discord import payloads
from tests.fakes.discord.errors import Json
from tests.fakes.discord.world import Role, User


def value_of(option: Any) -> Any:
    """A person or a role is sent as its id."""
    return option.id if isinstance(option, User | Role) else option


def resolved(options: Iterable[Any]) -> Json:
    """The documented `resolved` object; a member in it has no user, deaf or mute of its own."""
    data: dict[str, Json] = {}
    for option in options:
        if isinstance(option, Role):
            data.setdefault("roles", {})[option.id] = payloads.role(option, 1)
        elif isinstance(option, User):
            member = payloads.member(option) | {"permissions": "0"}
            left_out = ("deaf", "mute")
            data.setdefault("users", {})[option.id] = payloads.user(option)
            data.setdefault("members", {})[option.id] = {
                name: value for name, value in member.items() if name not in left_out
            }
    return data
