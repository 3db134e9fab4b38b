"""Who may call which route: everything is closed but what stands in this file.

The outermost ASGI middleware. It knows paths, keys and whether the plugin is in place; what the
routes do is not its business. vLLM serves on without a plugin that failed to load, so until ours
has put its `Keys` into `app.state`, all but `/health` answers 503.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from hmac import compare_digest

from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.manifest import NAME

from .errors import refusal


class Door(Enum):
    """Which key opens a route."""

    OPEN = "open"
    INFERENCE = "inference"
    ADMIN = "admin"


ROUTES = {
    ("GET", "/health"): Door.OPEN,
    ("GET", "/ready"): Door.OPEN,
    ("GET", "/v1/models"): Door.INFERENCE,
    ("POST", "/v1/chat/completions"): Door.INFERENCE,
    ("POST", "/v1/completions"): Door.INFERENCE,
    ("POST", "/tokenize"): Door.INFERENCE,
    ("GET", "/personas"): Door.INFERENCE,
    ("GET", "/admin/status"): Door.ADMIN,
}
NAMED_ROUTES = [
    ("GET", re.compile(rf"/personas/{NAME.pattern}"), Door.INFERENCE),
    ("PUT", re.compile(rf"/admin/personas/{NAME.pattern}"), Door.ADMIN),
    ("POST", re.compile(rf"/admin/personas/{NAME.pattern}/(?:reload|rollback)"), Door.ADMIN),
    ("GET", re.compile(rf"/admin/personas/{NAME.pattern}/versions"), Door.ADMIN),
]


def door_to(method: str, path: str) -> Door | None:
    """The door of exactly this method and path (as the router will read it); None is closed."""
    if door := ROUTES.get((method, path)):
        return door
    for its_method, pattern, named_door in NAMED_ROUTES:
        if method == its_method and pattern.fullmatch(path):
            return named_door
    return None


@dataclass(frozen=True, slots=True)
class Keys:
    """Digests of the keys: what is compared always has the same length."""

    digests: dict[Door, bytes]

    @classmethod
    def of(cls, inference: str, admin: str) -> Keys:
        keys = {Door.INFERENCE: inference, Door.ADMIN: admin}
        return cls({door: sha256(key.encode()).digest() for door, key in keys.items()})

    def open(self, door: Door, authorization: list[bytes]) -> bool:
        """Whether the request's Authorization headers, of which there must be one, hold the key."""
        if len(authorization) != 1:
            return False
        scheme, _, key = authorization[0].partition(b" ")
        right = compare_digest(sha256(key.strip()).digest(), self.digests[door])
        return right and scheme.lower() == b"bearer"


class Guard:
    """Lets a request through to the app, or answers 401, 404 or 503 itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            answer = self._refuse(scope) or self.app
            await answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _refuse(self, scope: Scope) -> ASGIApp | None:
        keys = getattr(getattr(scope["app"], "state", None), "access_keys", None)
        door = door_to(scope["method"], scope["path"])
        if scope["path"] == "/health" and door is Door.OPEN:
            return None
        if not isinstance(keys, Keys):
            return refusal(
                503,
                "The server is not complete: its Understudy plugin did not load (see its log).",
                "plugin_missing",
                kind="server_error",
            )
        if door is None:
            return refusal(404, "There is no such route.", "not_found")
        if door is Door.OPEN:
            return None
        sent = [value for name, value in scope["headers"] if name == b"authorization"]
        if keys.open(door, sent):
            return None
        return refusal(
            401,
            "This needs a key: send it as 'Authorization: Bearer …'."
            if not sent
            else "This is not the right key.",
            "invalid_api_key",
            headers={"WWW-Authenticate": "Bearer"},
        )
