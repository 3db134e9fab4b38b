"""What a test can break on the REST side, and the record of what was sent when."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from fnmatch import fnmatch

from aiohttp import web

from tests.fakes.discord.answers import json_answer
from tests.fakes.discord.errors import Json
from tests.fakes.discord.limits import blocked_at_the_edge, too_many


@dataclass
class Fault:
    """One way to answer the next `times` matching requests, after letting `after` of them pass.

    `path` is a pattern such as "/channels/*/messages". `kind`:
      "status"       answer `status` with `body` and do nothing
      "lost answer"  do what was asked, then drop the connection instead of answering
      "late failure" do what was asked, then answer `status` with `body`
      "dropped"      drop the connection and do nothing
      "rate limited" a 429 with headers and Via, `retry_after_s` (`is_global` for the global one)
      "blocked"      a 429 from the edge: no Via, no JSON
      "slow"         answer truly, `delay_s` later
    """

    method: str
    path: str
    kind: str = "status"
    status: int = 500
    body: Json = field(default_factory=lambda: {"code": 0, "message": "500: Internal Server Error"})
    times: int = 1
    after: int = 0
    retry_after_s: float = 0.3
    is_global: bool = False
    delay_s: float = 0.0
    seen: int = 0

    def strikes(self, method: str, path: str) -> bool:
        if self.method != method or not fnmatch(path, self.path):
            return False
        self.seen += 1
        return self.after < self.seen <= self.after + self.times

    async def answer_instead(self, request: web.Request) -> web.Response | None:
        """The answer in place of the true one; None where the true one is to be made."""
        match self.kind:
            case "status":
                return json_answer(self.body, self.status)
            case "rate limited":
                return too_many(self.retry_after_s, is_global=self.is_global)
            case "blocked":
                return blocked_at_the_edge(self.retry_after_s)
            case "dropped":
                return cut(request)
            case "slow":
                await asyncio.sleep(self.delay_s)
        return None


def cut(request: web.Request) -> web.Response:
    """Drops the connection; what is returned never reaches anybody."""
    assert request.transport is not None
    request.transport.close()
    return web.Response(status=500)


@dataclass(frozen=True)
class Sent:
    """One REST request as it came in; `status` is what it was answered with (0: dropped), `port` is
    that of the client's connection."""

    at_s: float
    method: str
    path: str
    body: Json | list[Json] | None
    status: int
    port: int = 0
