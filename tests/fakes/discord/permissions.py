"""What may be done where: the flags, and how roles and overwrites add up to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntFlag


class Permission(IntFlag):
    MANAGE_CHANNELS = 1 << 4
    ADMINISTRATOR = 1 << 3
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    MANAGE_ROLES = 1 << 28
    MANAGE_WEBHOOKS = 1 << 29
    USE_APPLICATION_COMMANDS = 1 << 31
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    SEND_MESSAGES_IN_THREADS = 1 << 38


NOTHING = Permission(0)
EVERYTHING = Permission(sum(Permission))
EVERYONE_MAY = (
    Permission.ADD_REACTIONS
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.CREATE_PUBLIC_THREADS
    | Permission.SEND_MESSAGES_IN_THREADS
)
NEEDS_SENDING = Permission.MENTION_EVERYONE | Permission.EMBED_LINKS | Permission.ATTACH_FILES
"""Without SEND_MESSAGES (in threads: SEND_MESSAGES_IN_THREADS) these are gone too."""


@dataclass
class Overwrite:
    """What a channel allows and denies a role (kind 0) or a member (kind 1)."""

    id: str
    kind: int
    allow: Permission = NOTHING
    deny: Permission = NOTHING

    def over(self, permissions: Permission) -> Permission:
        return permissions & ~self.deny | self.allow


def with_overwrites(
    permissions: Permission, overwrites: dict[str, Overwrite], everyone: str, roles: Iterable[str]
) -> Permission:
    """@everyone's overwrite, then those of the roles together: denied first, then allowed."""
    permissions = overwrites.get(everyone, Overwrite(everyone, 0)).over(permissions)
    together = Overwrite("", 0)
    for one in (overwrites[role] for role in roles if role in overwrites):
        together.allow |= one.allow
        together.deny |= one.deny
    return together.over(permissions)


def with_implications(permissions: Permission, speaking: Permission) -> Permission:
    """Who can't see a channel can do nothing in it; who can't send can't ping everyone."""
    if not permissions & Permission.VIEW_CHANNEL:
        return NOTHING
    if not permissions & speaking:
        return permissions & ~NEEDS_SENDING
    return permissions
