"""The one place that knows the concrete classes: builds all from settings, closes in reverse."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import quote

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from .access import Access
from .admin import Admin
from .allowances import Allowance
from .asking import Asking
from .budget import Budget
from .comparison import Comparisons
from .conversation import Conversation
from .embedded_redis import EmbeddedRedis, embedded_redis
from .errors import MemoryGone, WrongSettings
from .feedback import Feedback
from .gate import Gate
from .inference import InferenceServer, http_session
from .limits import Limits
from .memory import Memory
from .model import Model, Patience, model_client
from .noting import Noting
from .people import People
from .personas import Personas
from .places import Places
from .scenes import Scenes
from .settings import Settings
from .store import Store
from .voice import Voice
from .votes import Votes

log = logging.getLogger(__name__)

REDIS_CONNECTIONS = 32
REDIS_CONNECT_SECONDS = 2
REDIS_ANSWER_SECONDS = 5
SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Speaking:
    """What it takes to speak as a persona, without any memory."""

    personas: Personas
    voice: Voice
    admin: Admin
    inference: InferenceServer


@dataclass(frozen=True, slots=True)
class App:
    """What platforms use."""

    conversation: Conversation
    personas: Personas
    memory: Memory
    places: Places
    admin: Admin
    people: People
    feedback: Feedback
    votes: Votes
    limits: Limits
    asking: Asking
    comparisons: Comparisons
    scenes: Scenes
    access: Access
    inference: InferenceServer
    platforms: dict[str, str] = field(default_factory=dict)
    """What /health shows, each platform's own word: "starting", then "connected", …"""


@asynccontextmanager
async def wire(settings: Settings, *, draft_seconds: float | None = None) -> AsyncIterator[App]:
    """The whole bot; at the end answers under way finish, then all is closed in reverse.

    `draft_seconds` is for platforms that show drafts at another pace than the settings say.
    Raises RedisWillNotStart, WrongSettings.
    """
    pace_s = settings.draft_seconds if draft_seconds is None else draft_seconds
    async with store(settings) as kept, speaking(settings, pace_s) as able:
        app = _app(settings, kept, able)
        try:
            yield app
        finally:
            await asyncio.gather(app.conversation.drain(), app.asking.drain())
            await app.places.close()


def _app(settings: Settings, kept: Store, able: Speaking) -> App:
    """Everything over one memory and one voice."""
    ttl_s = settings.memory_days * SECONDS_PER_DAY
    memory = Memory(kept, keep=settings.memory_messages, ttl_s=ttl_s)
    feedback, votes = Feedback(kept), Votes(kept)
    people = People(kept, memory, feedback, votes, ttl_s=ttl_s)
    limits, places = _limits(settings, kept), Places(kept)
    access = Access(places, settings.blocked_users, settings.operators)
    conversation = Conversation(
        kept, limits, memory, places, people, able.personas, able.voice, settings.burst_seconds,
        access,
    )  # fmt: skip
    asking = Asking(kept, limits, places, able.voice)
    return App(
        conversation=conversation,
        personas=able.personas,
        memory=memory,
        places=places,
        admin=able.admin,
        people=people,
        feedback=feedback,
        votes=votes,
        limits=limits,
        asking=asking,
        comparisons=Comparisons(kept, asking, able.personas, votes),
        scenes=Scenes(asking, Noting(kept, memory, people), settings.scene_tokens),
        access=access,
        inference=able.inference,
    )


def _limits(settings: Settings, kept: Store) -> Limits:
    person = Allowance(settings.limit_messages_per_minute, settings.limit_tokens_per_day)
    server = Allowance(
        settings.limit_server_messages_per_minute, settings.limit_server_tokens_per_day
    )
    return Limits(kept, person, server)


@asynccontextmanager
async def speaking(settings: Settings, draft_seconds: float) -> AsyncIterator[Speaking]:
    """The inference server's side alone; needs no Redis."""
    root, key = settings.inference_root, settings.inference_api_key
    async with http_session(root) as session, model_client(settings.inference_api, key) as client:
        server = InferenceServer(root, key, session)
        patience = Patience(
            first_token_s=settings.first_token_seconds,
            between_tokens_s=settings.between_tokens_seconds,
            total_s=settings.answer_seconds,
        )
        cards = settings.understudy_home / "personas"
        yield Speaking(
            Personas(server, cards, settings.default_persona),
            Voice(
                Budget(server, settings.context_tokens),
                Model(client, patience),
                Gate(settings.limit_concurrent_answers),
                draft_seconds,
            ),
            Admin(root, settings.admin_api_key, session),
            server,
        )


@asynccontextmanager
async def store(settings: Settings) -> AsyncIterator[Store]:
    """Redis by REDIS_URL, else the embedded one. Raises RedisWillNotStart, WrongSettings."""
    if settings.redis_url is not None:
        async with _redis(settings.redis_url.get_secret_value()) as redis:
            kept = Store(redis)
            async with aclosing(kept):
                yield kept
        return
    async with (
        embedded_redis(settings.understudy_home) as server,
        _redis(f"unix://{quote(str(server.socket))}") as redis,
        aclosing(Store(redis, _reviving(server))) as kept,
    ):
        yield kept


def _reviving(server: EmbeddedRedis) -> Callable[[], Awaitable[None]]:
    """Brings the server back once for all who miss it; one that hangs keeps nobody waiting."""
    under_way: asyncio.Task[None] | None = None

    async def revive() -> None:
        nonlocal under_way
        if under_way is None or under_way.done():
            log.warning("the embedded Redis is gone; it is started again")
            under_way = asyncio.create_task(asyncio.to_thread(server.revive))
            under_way.add_done_callback(_seen)
        done, _ = await asyncio.wait((under_way,), timeout=REDIS_ANSWER_SECONDS)
        if not done:
            raise MemoryGone("the embedded Redis does not answer")
        under_way.result()

    return revive


def _seen(task: asyncio.Task[None]) -> None:
    """Nobody may be left who waits for its failure."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("the embedded Redis did not come back: %s", error)


@asynccontextmanager
async def _redis(url: str) -> AsyncIterator[Redis]:
    """Waits briefly and tries again briefly: nobody hangs on a Redis that is away."""
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=REDIS_CONNECTIONS,
            timeout=REDIS_ANSWER_SECONDS,
            socket_connect_timeout=REDIS_CONNECT_SECONDS,
            socket_timeout=REDIS_ANSWER_SECONDS,
            retry=Retry(ExponentialBackoff(cap=0.2, base=0.05), 2),
            retry_on_error=[RedisConnectionError, RedisTimeoutError],
            decode_responses=True,
        )
    except ValueError:
        # The library's own words may hold the password.
        raise WrongSettings("REDIS_URL: must begin with redis://, rediss:// or unix://") from None
    redis = Redis(connection_pool=pool)
    try:
        yield redis
    finally:
        await redis.aclose()
        await pool.disconnect()
