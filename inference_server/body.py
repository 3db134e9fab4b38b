"""A request's body: read whole within limits, as a JSON object, and given on to the app."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.types import Message, Receive, Scope

from .errors import BadRequest

BODY_TIMEOUT_S = 30.0


async def read_body(scope: Scope, receive: Receive, max_bytes: int) -> bytes:
    """The whole body. Raises BadRequest where it is too long, too slow or broken off."""
    too_long = BadRequest(f"The body is longer than {max_bytes / 2**20:g} MiB.", 413)
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > max_bytes:
            raise too_long
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise BadRequest("The body broke off.")
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > max_bytes:
                    raise too_long
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        raise BadRequest("The body took too long to arrive.", 408) from None


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises BadRequest."""
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("The body is not JSON.") from None
    if not isinstance(request, dict):
        raise BadRequest("The body must be a JSON object.")
    return request


def replay(body: bytes, receive: Receive) -> Receive:
    """The body once, then whatever comes after it (a disconnect, above all)."""
    unread = True

    async def replayed() -> Message:
        nonlocal unread
        if unread:
            unread = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return replayed
