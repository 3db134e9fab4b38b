"""What an administrator may ask of the inference server: status, versions, cards, rollouts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import aiohttp
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from .errors import (
    AdminError,
    AdminGone,
    AdminLocked,
    NoAdmin,
    RolloutBusy,
    RolloutFailed,
    UnknownPersona,
)
from .inference import NOT_THERE, bearer
from .server_status import ServerStatus, Version, without_addresses

T = TypeVar("T", bound=BaseModel)
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
ROLLOUT_SECONDS = 3600
"""The server answers when a rollout is finished; fetching a large adapter takes its time."""
ASK_SECONDS = 10


class Rollout(BaseModel):
    """A finished rollout: who speaks with which version now, and with which before."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    persona: str
    version: int | None
    previous: int | None = None
    seconds: float | None = None


class Admin:
    """The server's admin routes. The key goes to the server's own address only."""

    def __init__(self, root: str, key: SecretStr | None, session: aiohttp.ClientSession) -> None:
        self._root = root
        self._key = key
        self._session = session

    async def reload(self, name: str, version: int | None = None) -> Rollout:
        """Serve this version of a persona, the newest published one where none is given.

        Raises RolloutBusy, RolloutFailed, UnknownPersona, AdminLocked, AdminGone, AdminError.
        """
        return await self._roll(name, "reload", {} if version is None else {"version": version})

    async def rollback(self, name: str) -> Rollout:
        """Serve the version before this one. Raises as `reload`."""
        return await self._roll(name, "rollback", {})

    async def status(self) -> ServerStatus:
        """Desired and actual state, as the server tells it.

        Raises NoAdmin on a server that is not ours, AdminLocked, AdminGone, AdminError.
        """
        status, body = await self._ask("GET", "/admin/status", within_s=ASK_SECONDS)
        if status in NOT_THERE:
            raise NoAdmin(f"/admin/status answered {status}")
        if status != 200:
            raise AdminError(f"/admin/status answered {status}", spoken=_told(body))
        return _read(ServerStatus, body)

    async def versions(self, name: str) -> list[Version] | None:
        """A persona's published versions, oldest first; None where there is no such persona.

        Raises UnknownPersona where nobody can be called so, AdminLocked, AdminGone, AdminError.
        """
        path = f"/admin/personas/{_checked(name)}/versions"
        status, body = await self._ask("GET", path, within_s=ASK_SECONDS)
        if status in NOT_THERE:
            return None
        if status != 200:
            raise AdminError(f"{path} answered {status}", spoken=_told(body))
        return list(_read(_Versions, body).versions)

    async def put(self, name: str, card: Mapping[str, Any]) -> None:
        """Make a persona, or give it another card.

        Raises UnknownPersona where nobody can be called so, NoAdmin, AdminLocked, AdminGone,
        AdminError, which says what the server has against the card.
        """
        path = f"/admin/personas/{_checked(name)}"
        status, body = await self._ask("PUT", path, dict(card))
        if status in NOT_THERE:
            raise NoAdmin(f"PUT {path} answered {status}")
        if status != 200:
            raise AdminError(f"PUT {path} answered {status}", spoken=_told(body))

    async def _roll(self, name: str, verb: str, body: dict[str, Any]) -> Rollout:
        status, answer = await self._ask("POST", f"/admin/personas/{_checked(name)}/{verb}", body)
        match status:
            case 200:
                return _read(Rollout, answer)
            case 409:
                raise RolloutBusy(name)
            case 422:
                step, reason = str(answer.get("step", verb)), answer.get("reason")
                why = str(reason or _told(answer) or "no reason given")
                raise RolloutFailed(name, step, without_addresses(why))
        raise AdminError(f"{verb} answered {status}", spoken=_told(answer))

    async def _ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        within_s: float = ROLLOUT_SECONDS,
    ) -> tuple[int, dict[str, Any]]:
        if self._key is None:
            raise AdminLocked(spoken="There is no admin key: set ADMIN_API_KEY to the server's.")
        try:
            async with self._session.request(
                method,
                self._root + path,
                json=body,
                headers=bearer(self._key),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=within_s, sock_connect=5),
            ) as response:
                status, raw = response.status, await response.read()
        except (aiohttp.ClientConnectorError, ConnectionRefusedError) as error:
            raise AdminGone(type(error).__name__) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            spoken = "The inference server did not finish answering. See its status before again."
            raise AdminGone(type(error).__name__, spoken=spoken) from error
        if status in (401, 403):
            raise AdminLocked(f"{path} answered {status}")
        return status, _object(raw)


class _Versions(BaseModel):
    versions: tuple[Version, ...]


def _checked(name: str) -> str:
    """No name reaches a path before it is one."""
    if not NAME.fullmatch(name):
        raise UnknownPersona(name, [])
    return name


def _read(kind: type[T], answer: dict[str, Any]) -> T:
    try:
        return kind.model_validate(answer)
    except ValidationError as error:
        raise AdminError(f"an answer that makes no sense: {error.error_count()} faults") from error


def _told(answer: dict[str, Any]) -> str | None:
    """The server's own sentence, from OpenAI's error shape."""
    error = answer.get("error")
    message = error.get("message") if isinstance(error, dict) else error
    return without_addresses(f"The inference server says: {message}") if message else None


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
