"""Rate-limit buckets with Discord's headers, and its 429."""

from __future__ import annotations

import time
from dataclasses import dataclass
from hashlib import md5
from math import ceil

from aiohttp import web

from tests.fakes.discord.answers import json_answer
from tests.fakes.discord.errors import Json

VIA = "1.1 google"  # on every answer of Discord's own; one without it comes from the edge before it


@dataclass(frozen=True)
class Limit:
    requests: int
    per_s: float


@dataclass
class Bucket:
    """A fixed window that opens with its first request."""

    limit: Limit
    used: int = 0
    ends_at_s: float = 0.0

    def take(self, now_s: float) -> bool:
        if now_s >= self.ends_at_s:
            self.used, self.ends_at_s = 0, now_s + self.limit.per_s
        if self.used >= self.limit.requests:
            return False
        self.used += 1
        return True

    @property
    def left_s(self) -> float:
        return max(self.ends_at_s - time.monotonic(), 0.001)


class Limits:
    """A bucket per route and channel or webhook; routes without a rule are unlimited.

    `rules` maps a route's name ("send", "edit", "typing", "webhook", "webhook edit") to its limit;
    tests may change it. `of_everything` is the bot's global limit, `Bucket(Limit(50, 1.0))` on
    Discord, which here only a test that asks for it has.
    """

    def __init__(self) -> None:
        self.of_everything: Bucket | None = None
        self.rules = {name: Limit(5, 5.0) for name in ("send", "edit", "typing")}
        self.rules |= {name: Limit(5, 2.0) for name in ("webhook", "webhook edit")}
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def bucket(self, route: str, major: str) -> Bucket | None:
        """The bucket of a limited route; None where nothing limits it."""
        rule = self.rules.get(route)
        if rule is None:
            return None
        return self._buckets.setdefault((route, major), Bucket(rule))


def headers(bucket: Bucket, route: str) -> dict[str, str]:
    left_s = max(0.0, bucket.ends_at_s - time.monotonic())
    return {
        "X-RateLimit-Limit": str(bucket.limit.requests),
        "X-RateLimit-Remaining": str(bucket.limit.requests - bucket.used),
        "X-RateLimit-Reset": f"{time.time() + left_s:.3f}",
        "X-RateLimit-Reset-After": f"{left_s:.3f}",
        "X-RateLimit-Bucket": md5(route.encode()).hexdigest(),
    }


def too_many(retry_after_s: float, *, is_global: bool = False, scope: str = "user") -> web.Response:
    """Discord's own 429, after which the client waits `retry_after_s`."""
    body: Json = {
        "message": "You are being rate limited.",
        "retry_after": round(retry_after_s, 3),
        "global": is_global,
    }
    answer = json_answer(body, 429)
    answer.headers["Retry-After"] = str(ceil(retry_after_s))
    answer.headers["X-RateLimit-Scope"] = "global" if is_global else scope
    answer.headers["Via"] = VIA
    if is_global:
        answer.headers["X-RateLimit-Global"] = "true"
    return answer


def blocked_at_the_edge(retry_after_s: float) -> web.Response:
    """A 429 of the edge in front of Discord: no Via, no JSON (discord.py raises it)."""
    answer = web.Response(status=429, text="error code: 1015", content_type="text/plain")
    answer.headers["Retry-After"] = str(ceil(retry_after_s))
    return answer
