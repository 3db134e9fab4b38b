"""The model's answer as a stream of words, from any OpenAI-compatible server.

Knows time-outs, the one retry and what each failure means; knows nothing of prompts or people.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from json import JSONDecodeError
from time import monotonic
from typing import Any

import openai
from openai import AsyncOpenAI, AsyncStream
from pydantic import SecretStr

from .around import Picture
from .cards import Sampling
from .errors import (
    ModelBroke,
    ModelBusy,
    ModelError,
    ModelFailed,
    ModelGone,
    ModelLocked,
    ModelMissing,
    ModelRefused,
    ModelSlow,
    ModelSpeechless,
)
from .inference import is_here
from .prompt import ChatMessage

log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 0.5
STOPS_SENT = 4
"""OpenAI's API takes no more; `speech` holds the persona to the rest."""

DETAIL_MAX_CHARS = 300
"""A server may answer with all that it was asked; a log needs less."""

VERSION_HEADER = "X-Understudy-Version"
VERSION_MAX_CHARS = 80


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the model may take, in seconds."""

    first_token_s: float = 60
    between_tokens_s: float = 20
    total_s: float = 180


@dataclass(frozen=True, slots=True)
class Question:
    """One request for an answer."""

    model: str
    messages: list[ChatMessage]
    stops: list[str]
    max_tokens: int
    sampling: Sampling
    pictures: tuple[Picture, ...] = ()
    """They belong to the last message."""


@dataclass(slots=True)
class Usage:
    """What a server tells about an answer beside its words; None until it does, if it ever does."""

    version: str | None = None
    """Which version of the persona answers: "maya@3", or "base"."""
    tokens: int | None = None
    """What prompt and answer cost, as the server counted."""


async def nobody() -> None:
    """Nobody waits who would want to know."""


class Model:
    """Streams answers. A failed attempt is repeated once, as long as no word of it was said."""

    def __init__(
        self,
        client: AsyncOpenAI,
        patience: Patience | None = None,
        retry_after_s: float = RETRY_AFTER_SECONDS,
    ) -> None:
        """`client` does not retry by itself."""
        self._client = client
        self._patience = patience or Patience()
        self._retry_after_s = retry_after_s
        self._tells_usage = True

    async def stream(
        self,
        question: Question,
        usage: Usage | None = None,
        busy: Callable[[], Awaitable[None]] = nobody,
    ) -> AsyncGenerator[str]:
        """The answer's deltas, none empty. Raises a ModelError, before or after some of them.

        A busy server that says when to come back is asked again then, within the patience for a
        first token; `busy` is called before each such pause. `usage` has been told all that it
        will be when the last delta comes.
        """
        usage, once_more = usage or Usage(), True
        patient_until = monotonic() + self._patience.first_token_s
        while True:
            begun = False
            try:
                async with aclosing(self._attempt(question, usage)) as deltas:
                    async for delta in deltas:
                        begun = True
                        yield delta
                return
            except ModelError as error:
                pause_s = error.retry_after_s
                if begun or not error.retryable or not (pause_s or once_more):
                    raise
                if pause_s and monotonic() + pause_s > patient_until:
                    raise
                log.info("the model is asked once more: %s", error)
            if pause_s:
                await busy()
            else:
                once_more = False
            await asyncio.sleep(pause_s or self._retry_after_s)

    async def _attempt(self, question: Question, usage: Usage) -> AsyncGenerator[str]:
        patience = self._patience
        deadline = monotonic() + patience.total_s
        first_due = monotonic() + min(patience.first_token_s, patience.total_s)
        connected = begun = ended = False
        async with _meaning(lambda: connected):
            async with asyncio.timeout(first_due - monotonic()):
                chunks = await self._ask(question)
            connected = True
            told = chunks.response.headers.get(VERSION_HEADER, "")
            usage.version = told[:VERSION_MAX_CHARS] or None
            async with chunks:
                while True:
                    due = min(deadline, monotonic() + patience.between_tokens_s)
                    async with asyncio.timeout((due if begun else first_due) - monotonic()):
                        chunk = await anext(chunks, None)
                    if chunk is None:
                        break
                    delta, last = _read(chunk)
                    usage.tokens = _total_tokens(chunk) or usage.tokens
                    ended = ended or last
                    if delta:
                        begun = True
                        yield delta
        if not ended:
            raise ModelBroke("the stream ended without a finish_reason")
        if not begun:
            raise ModelSpeechless("the stream ended without a word")

    async def _ask(self, question: Question) -> AsyncStream[object]:
        # The body goes and the chunks come as they are: the library walks through what is typed
        # field by field, which costs 3 ms a turn with a full window and 2 ms with 20 tokens, and
        # servers know parameters that it does not.
        body: dict[str, Any] = {
            **question.sampling.given(),
            "model": question.model,
            "stream": True,
            "messages": _messages(question),
            "max_tokens": question.max_tokens,
        }
        if question.stops:
            body["stop"] = question.stops[:STOPS_SENT]
        if self._tells_usage:
            body["stream_options"] = {"include_usage": True}
        try:
            return await self._client.post(
                "/chat/completions",
                cast_to=object,
                body=body,
                stream=True,
                stream_cls=AsyncStream[object],
            )
        except openai.APIStatusError as error:
            if not self._tells_usage or "stream_options" not in error.message:
                raise
            self._tells_usage = False
            log.info("the model's server tells no usage; an estimate is used")
            return await self._ask(question)


@asynccontextmanager
async def model_client(api: str, key: SecretStr | None) -> AsyncIterator[AsyncOpenAI]:
    """The library's client for the server whose OpenAI routes begin at `api`; no retries.

    Its own time-outs are off: `Patience` knows what is waited for. Closed at the end.
    """
    http = openai.DefaultAsyncHttpxClient(
        base_url=api, timeout=None, trust_env=not is_here(api), follow_redirects=False
    )
    async with AsyncOpenAI(
        base_url=api,
        api_key=key.get_secret_value() if key else "none",
        max_retries=0,
        timeout=None,
        http_client=http,
    ) as client:
        yield client


def _messages(question: Question) -> Sequence[Any]:
    """As OpenAI's API wants them: a message with pictures is a list of parts."""
    if not question.pictures:
        return question.messages
    *before, last = question.messages
    parts: list[dict[str, Any]] = [{"type": "text", "text": last["content"]}]
    parts += [{"type": "image_url", "image_url": {"url": one.url}} for one in question.pictures]
    return [*before, {"role": last["role"], "content": parts}]


def _read(chunk: Any) -> tuple[str, bool]:
    """A chunk's words, and whether it is the last. Nobody has validated it before."""
    try:
        if not chunk.get("choices"):  # usage, at the end
            return "", False
        choice = chunk["choices"][0]
        words = choice["delta"].get("content") or ""
        last = choice.get("finish_reason") is not None
    except (AttributeError, TypeError, LookupError) as error:
        raise ModelBroke("a chunk without choices, or with malformed ones") from error
    if not isinstance(words, str):
        raise ModelBroke("a chunk whose content is no text")
    return words, last


def _total_tokens(chunk: Any) -> int | None:
    usage = chunk.get("usage")
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    return total if isinstance(total, int) and total > 0 else None


@asynccontextmanager
async def _meaning(connected: Callable[[], bool]) -> AsyncIterator[None]:
    """Says what the library's exceptions mean to a person."""
    try:
        yield
    except TimeoutError as error:
        raise ModelSlow("silent for too long") from error
    except openai.APITimeoutError as error:
        raise ModelSlow(str(error)) from error
    except openai.APIConnectionError as error:
        cause = type(error.__cause__).__name__
        raise (ModelBroke if connected() else ModelGone)(f"{error} ({cause})") from error
    except openai.APIStatusError as error:
        raise _refusal(error) from error
    except (openai.APIError, JSONDecodeError, UnicodeDecodeError) as error:
        raise ModelBroke(f"{type(error).__name__}: {error}") from error


def _refusal(error: openai.APIStatusError) -> ModelError:
    detail = f"{error.status_code}: {error.message[:DETAIL_MAX_CHARS]}"
    match error.status_code:
        case 401 | 403:
            return ModelLocked(detail)
        case 404:
            return ModelMissing(detail)
        case 429 | 503:
            busy = ModelBusy(detail)
            asked = error.response.headers.get("Retry-After", "")
            if error.status_code == 429 and asked.isdigit():
                busy.retry_after_s = max(float(asked), RETRY_AFTER_SECONDS)
            return busy
        case 504:
            return ModelSlow(detail)
        case status if status >= 500:
            return ModelFailed(detail)
    return ModelRefused(detail)
