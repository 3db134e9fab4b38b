"""The inference server beside its chat route: who is there, how long a prompt may be, tokens.

Every OpenAI-compatible server will do: what it does not know is answered with None.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

import aiohttp
from pydantic import SecretStr

from .errors import ModelFailed, ModelGone, ModelSlow, PersonasRefused

log = logging.getLogger(__name__)

ASK_SECONDS = 5
MODELS_FRESH_SECONDS = 300
NOT_THERE = (404, 405, 501)


@dataclass(frozen=True, slots=True)
class Served:
    """One entry of /v1/models."""

    name: str
    context_tokens: int | None


class InferenceServer:
    """Reads what a server tells about itself. Its key is sent to its own address only."""

    def __init__(self, root: str, key: SecretStr | None, session: aiohttp.ClientSession) -> None:
        """`root` is the address without /v1."""
        self._root = root
        self._key = key
        self._session = session
        self._models: list[Served] | None = None
        self._models_stale_at = 0.0
        self._counts_tokens = True

    async def personas(self) -> list[Any] | None:
        """GET /personas as it came, None where there is no such thing."""
        status, body = await self._ask("GET", "/personas")
        if status in (401, 403):
            raise PersonasRefused(f"/personas answered {status}")
        if status in NOT_THERE or (status == 200 and not isinstance(body, list)):
            return None
        if status != 200:
            raise ModelFailed(f"/personas answered {status}")
        return body if isinstance(body, list) else None

    async def models(self) -> list[Served]:
        """What the server says it serves; asked again every few minutes, [] where it is mute."""
        if self._models is not None and monotonic() < self._models_stale_at:
            return self._models
        try:
            status, body = await self._ask("GET", "/v1/models")
        except (ModelGone, ModelSlow):
            return self._models or []
        if status == 200 or status in NOT_THERE:
            self._models = _served(body) if status == 200 else []
            self._models_stale_at = monotonic() + MODELS_FRESH_SECONDS
        return self._models or []

    async def context_tokens(self, model: str) -> int | None:
        """The longest prompt and answer together, None where the server does not tell.

        An alias is not listed under its own name: then the shortest listed context counts.
        """
        known = [m for m in await self.models() if m.context_tokens]
        own = [m.context_tokens for m in known if m.name == model]
        return min((c for c in own or [m.context_tokens for m in known] if c), default=None)

    async def count_tokens(self, model: str, text: str) -> int | None:
        """How many tokens a text has, None where the server does not count."""
        if not self._counts_tokens:
            return None
        asked = {"model": model, "prompt": text, "add_special_tokens": False}
        try:
            status, body = await self._ask("POST", "/tokenize", asked)
        except (ModelGone, ModelSlow):
            return None
        if status in NOT_THERE:
            self._counts_tokens = False
            log.info("the inference server counts no tokens; an estimate is used")
        count = body.get("count") if isinstance(body, dict) else None
        return count if status == 200 and isinstance(count, int) else None

    async def _ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON body (None where it is none). Raises ModelGone, ModelSlow."""
        headers = bearer(self._key)
        try:
            async with self._session.request(
                method, self._root + path, json=body, headers=headers, allow_redirects=False
            ) as response:
                return response.status, _json_or_none(await response.read())
        except TimeoutError as error:
            raise ModelSlow(f"{path} did not answer in time") from error
        except aiohttp.ClientError as error:
            raise ModelGone(f"{path}: {type(error).__name__}") from error


@asynccontextmanager
async def http_session(root: str, timeout_s: float = ASK_SECONDS) -> AsyncIterator[Any]:
    """A session for one server; a proxy is for servers elsewhere, never for this machine."""
    timeout = aiohttp.ClientTimeout(total=timeout_s, connect=ASK_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=not is_here(root)) as session:
        yield session


def is_here(url: str) -> bool:
    host = url.split("//", 1)[-1].split("/", 1)[0].rsplit("@", 1)[-1]
    return host.startswith(("127.", "localhost", "[::1]"))


def bearer(key: SecretStr | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}


def _json_or_none(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None


def _served(body: Any) -> list[Served]:
    listed = body.get("data") if isinstance(body, dict) else None
    entries = [entry for entry in listed or [] if isinstance(entry, dict) and entry.get("id")]
    return [Served(str(entry["id"]), _positive(entry.get("max_model_len"))) for entry in entries]


def _positive(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None
