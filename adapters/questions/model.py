"""Asks a model on any OpenAI-compatible server: so many requests a minute, patiently, one retry
of a useless answer. Knows nothing of datasets or of what was answered before.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from json import JSONDecodeError
from time import monotonic
from typing import Any

import openai
from openai import AsyncOpenAI, DefaultAsyncHttpxClient
from pydantic import SecretStr

from adapters.errors import AskingRefused

from .where import Address
from .wording import THOUGHTS, Asked, question

MAX_TOKENS = 300
MAX_ANSWER_BYTES = 1 << 20
CONNECT_S = 10
PER_MINUTE_ELSEWHERE = 60
DETAIL_MAX_CHARS = 300
SENT = frozenset(
    ("host", "accept", "accept-encoding", "connection", "content-type", "content-length")
)
KEPT = "what was answered is kept: run it again to go on"


@dataclass(frozen=True, slots=True)
class Server:
    address: Address
    key: SecretStr | None = None
    key_name: str = "QUESTIONS_API_KEY"
    """The setting that a user would correct."""


@dataclass(frozen=True, slots=True)
class Pace:
    per_minute: int | None = None
    """Requests, retries included; 0: no bound. None: none in the owner's network, else 60."""
    at_once: int = 4
    silence_s: float = 120
    """So long a request may take."""
    retries: int = 5
    """By the library, of 429, 5xx, silence and broken connections: after 0.5, 1, 2, 4 and 8 seconds
    or when the server says so."""

    def every_s(self, address: Address) -> float:
        """So much time lies between two requests."""
        unless_said = 0 if address.own else PER_MINUTE_ELSEWHERE
        per_minute = unless_said if self.per_minute is None else self.per_minute
        return 60 / per_minute if per_minute else 0.0


class Unanswered(Exception):
    """One question was not answered, and another one might be; says why."""

    def __init__(self, why: str, *, servers_fault: bool = True) -> None:
        super().__init__(why)
        self.servers_fault = servers_fault


class Model:
    def __init__(self, client: AsyncOpenAI, server: Server, name: str) -> None:
        self._client = client
        self._server = server
        self._name = name
        self._bounded = True

    async def question(self, asked: Sequence[Asked], piece: str) -> str | None:
        """The question that the model finds; None where it found none worth having, twice.

        Raises Unanswered, or AskingRefused where nobody else would be answered either.
        """
        for _ in range(2):
            if found := question(await self._said(asked), piece):
                return found
        return None

    async def _said(self, asked: Sequence[Asked]) -> str:
        # The body goes and comes as it is: servers differ in more than the library's types allow.
        body: dict[str, Any] = {"model": self._name, "messages": list(asked)}
        if self._bounded:
            body["max_tokens"] = MAX_TOKENS
        with _meaning(self._server, self._name):
            try:
                answer = await self._client.post("/chat/completions", cast_to=object, body=body)
            except openai.BadRequestError as error:
                if "max_tokens" not in body or "max_tokens" not in error.message:
                    raise
                answer = None
        if answer is None:
            self._bounded = False  # some call it max_completion_tokens; nobody needs it
            return await self._said(asked)
        said, cut = _read(answer)
        if cut and not THOUGHTS.sub("", said).strip():
            self._bounded = False  # a model that thinks first needs more
        return said


@asynccontextmanager
async def reached(server: Server, name: str, pace: Pace) -> AsyncIterator[Model]:
    """The server's model of that name; connections are closed at the end."""
    api = server.address.api
    timeout = openai.Timeout(pace.silence_s, connect=min(CONNECT_S, pace.silence_s))
    http = _Client(
        server.key,
        pace.every_s(server.address),
        base_url=api,
        timeout=timeout,
        trust_env=not server.address.own,
        follow_redirects=False,
    )
    async with AsyncOpenAI(
        base_url=api,
        api_key=server.key.get_secret_value() if server.key else "none",
        max_retries=pace.retries,
        timeout=timeout,
        http_client=http,
    ) as client:
        yield Model(client, server, name)


class _TooLong(openai.OpenAIError):
    pass


class _Client(DefaultAsyncHttpxClient):
    """Sends so many requests a minute, the library's own retries included, tells nothing of what
    the library finds in the environment, and reads no answer that has no end."""

    def __init__(self, key: SecretStr | None, every_s: float, **options: Any) -> None:
        super().__init__(**options)
        self._key = key
        self._every_s = every_s
        self._next_at = 0.0

    async def send(self, request: Any, **options: Any) -> Any:
        at = max(monotonic(), self._next_at)
        self._next_at = at + self._every_s
        await asyncio.sleep(at - monotonic())
        for name in [name for name in request.headers if name.lower() not in SENT]:
            del request.headers[name]
        if self._key:
            request.headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        response = await super().send(request, **{**options, "stream": True})
        body = bytearray()
        try:
            async for part in response.aiter_bytes():
                body += part
                if len(body) > MAX_ANSWER_BYTES:
                    raise _TooLong(f"an answer of more than {MAX_ANSWER_BYTES >> 20} MiB")
        finally:
            await response.aclose()
        headers = [
            (name, value)
            for name, value in response.headers.multi_items()
            if name.lower() not in ("content-encoding", "content-length", "transfer-encoding")
        ]
        return type(response)(
            response.status_code, headers=headers, content=bytes(body), request=request
        )


def _read(answer: Any) -> tuple[str, bool]:
    """What was said, and whether it was cut off. Nobody has validated it before."""
    try:
        choice = answer["choices"][0]
        said = choice["message"].get("content")
        cut = choice.get("finish_reason") == "length"
    except (AttributeError, TypeError, LookupError):
        raise Unanswered("the answer is not one of OpenAI's chat completions") from None
    return (said if isinstance(said, str) else ""), cut


@contextmanager
def _meaning(server: Server, model: str) -> Iterator[None]:
    """Says what the library's exceptions mean to a person."""
    where = f"the model's server at {server.address.host}"
    try:
        yield
    except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
        what = f"refuses the key; set {server.key_name}"
        raise AskingRefused(f"{where} {what} ({error.status_code})") from None
    except openai.NotFoundError as error:
        what = f"has no model {model!r}, or speaks no OpenAI-compatible API"
        raise AskingRefused(f"{where} {what}: {_detail(error, server)}") from None
    except openai.RateLimitError as error:
        what = f"takes no more for now: {_detail(error, server)}; {KEPT}, with a lower --per-minute"
        raise AskingRefused(f"{where} {what}") from None
    except openai.APITimeoutError:
        raise AskingRefused(f"{where} is silent for too long; {KEPT}") from None
    except openai.APIConnectionError as error:
        cause = type(error.__cause__).__name__
        raise AskingRefused(f"{where} can't be reached ({cause}); {KEPT}") from None
    except openai.APIStatusError as error:
        raise Unanswered(_detail(error, server), servers_fault=error.status_code >= 500) from None
    except (openai.OpenAIError, JSONDecodeError, UnicodeError, RecursionError) as error:
        raise Unanswered(
            f"{type(error).__name__.lstrip('_')}: {error}"[:DETAIL_MAX_CHARS]
        ) from None


def _detail(error: openai.APIStatusError, server: Server) -> str:
    """What the server says, on one line, and never the key."""
    said = error.message
    if server.key:
        said = said.replace(server.key.get_secret_value(), "…")
    plain = "".join(one if one.isprintable() else " " for one in said)
    return plain[:DETAIL_MAX_CHARS].rstrip(".")
