"""The model's answer as a stream of words, from any OpenAI-compatible server.

Knows time-outs, the one retry and what each failure means; knows nothing of prompts or people.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from json import JSONDecodeError
from time import monotonic
from typing import TYPE_CHECKING, Any

import openai
from openai import AsyncOpenAI, AsyncStream
from pydantic import SecretStr

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

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionChunk

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


@dataclass(slots=True)
class Usage:
    """What a server tells about an answer beside its words; None until it does, if it ever does."""

    version: str | None = None
    """Which version of the persona answers: "maya@3", or "base"."""


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

    async def stream(self, question: Question, usage: Usage | None = None) -> AsyncGenerator[str]:
        """The answer's deltas, none empty. Raises a ModelError, before or after some of them.

        `usage` has been told all that it will be when the last one comes.
        """
        usage = usage or Usage()
        try:
            async with aclosing(self._attempt(question, usage)) as deltas:
                begun = False
                async for delta in deltas:
                    begun = True
                    yield delta
            return
        except ModelError as error:
            if begun or not error.retryable:
                raise
            log.info("the model is asked once more: %s", error)
        await asyncio.sleep(self._retry_after_s)
        async with aclosing(self._attempt(question, usage)) as deltas:
            async for delta in deltas:
                yield delta

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
                    ended = ended or last
                    if delta:
                        begun = True
                        yield delta
        if not ended:
            raise ModelBroke("the stream ended without a finish_reason")
        if not begun:
            raise ModelSpeechless("the stream ended without a word")

    async def _ask(self, question: Question) -> AsyncStream[ChatCompletionChunk]:
        # The body goes as it is: typed arguments are walked through one by one, which costs
        # 3 ms a turn with a full window, and servers know parameters that the library does not.
        body: dict[str, Any] = {
            **question.sampling.given(),
            "messages": question.messages,
            "max_tokens": question.max_tokens,
        }
        if question.stops:
            body["stop"] = question.stops[:STOPS_SENT]
        return await self._client.chat.completions.create(
            model=question.model, messages=[], stream=True, extra_body=body
        )


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


def _read(chunk: ChatCompletionChunk) -> tuple[str, bool]:
    """A chunk's words, and whether it is the last. The library validates nothing: we do."""
    try:
        if not chunk.choices:  # usage, at the end
            return "", False
        choice = chunk.choices[0]
        words = choice.delta.content or ""
    except (AttributeError, TypeError, LookupError) as error:
        raise ModelBroke("a chunk without choices, or with malformed ones") from error
    if not isinstance(words, str):
        raise ModelBroke("a chunk whose content is no text")
    return words, choice.finish_reason is not None


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
            return ModelBusy(detail)
        case 504:
            return ModelSlow(detail)
        case status if status >= 500:
            return ModelFailed(detail)
    return ModelRefused(detail)
