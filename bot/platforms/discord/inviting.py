"""The link with which somebody adds the bot to their server."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import urlencode

PERMISSIONS = {
    "View Channels": 1 << 10,
    "Send Messages": 1 << 11,
    "Read Message History": 1 << 16,  # an answer is a reply, which needs it
    "Manage Webhooks": 1 << 29,  # personas speak with their own name and picture
    "Create Public Threads": 1 << 35,
    "Send Messages in Threads": 1 << 38,
}
SCOPES = ("bot", "applications.commands")


def invite_link(application_id: int) -> str:
    """Asks for what the bot needs and nothing more."""
    query = {
        "client_id": application_id,
        "scope": " ".join(SCOPES),
        "permissions": sum(PERMISSIONS.values()),
    }
    return f"https://discord.com/oauth2/authorize?{urlencode(query)}"


def application_of(token: str) -> int | None:
    """The application's id, with which a bot's token begins; None where it is no token."""
    head = token.strip().partition(".")[0]
    try:
        number = base64.b64decode(head + "=" * (-len(head) % 4), validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return int(number) if number.isdigit() else None
