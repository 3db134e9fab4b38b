"""Who may call which route: everything is closed but what stands in this file.

The outermost ASGI middleware. It knows paths, keys and whether the plugin is in place; what the
routes do is not its business. vLLM serves on without a plugin that failed to load, so until ours
has put its `Keys` into `app.state`, all but `/health` answers 503.
"""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.manifest import NAME

from .errors import refusal
from .keys import Door, Keys

HOLDER = "understudy.key"
"""Where the guard notes in a request's scope whose key it came with."""
ROUTES = {
    ("GET", "/health"): Door.OPEN,
    ("GET", "/ready"): Door.OPEN,
    ("GET", "/v1/models"): Door.INFERENCE,
    ("POST", "/v1/chat/completions"): Door.INFERENCE,
    ("POST", "/v1/completions"): Door.INFERENCE,
    ("POST", "/tokenize"): Door.INFERENCE,
    ("GET", "/personas"): Door.INFERENCE,
    ("GET", "/admin/status"): Door.ADMIN,
    ("GET", "/metrics"): Door.METRICS,
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
        if door is None or not keys.is_there(door):
            return refusal(404, "There is no such route.", "not_found")
        if keys.stands_open(door):
            return None
        return self._ask_for_key(keys, door, scope)

    def _ask_for_key(self, keys: Keys, door: Door, scope: Scope) -> ASGIApp | None:
        sent = [value for name, value in scope["headers"] if name == b"authorization"]
        if holder := keys.holder(door, sent):
            scope[HOLDER] = holder
            return None
        return refusal(
            401,
            "This needs a key: send it as 'Authorization: Bearer …'."
            if not sent
            else "This is not the right key.",
            "invalid_api_key",
            headers={"WWW-Authenticate": "Bearer"},
        )
