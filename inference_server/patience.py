"""How long a request may take: to the app, time that is over looks like a client that has left.

vLLM stops the engine's work for a request when its client leaves, and only then: cancelling its
handler would leave the engine talking to nobody.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

from starlette.types import Message, Receive

from .errors import TookTooLong
from .gate import Gate, Place


class Patience:
    """Wraps a request's `receive`; `close` must be called at its end."""

    def __init__(self, receive: Receive, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._receive = receive
        self._over: asyncio.Future[None] = loop.create_future()
        self._timer = loop.call_later(seconds, self._over.set_result, None)
        self.began, self.seconds = monotonic(), seconds
        self.ends_at = self._timer.when()

    @property
    def over(self) -> bool:
        return self._over.done()

    async def receive(self) -> Message:
        """What the client sends, or `http.disconnect` once the time is over."""
        client = asyncio.ensure_future(self._receive())
        either: set[asyncio.Future[Any]] = {client, self._over}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            return client.result() if client.done() else {"type": "http.disconnect"}
        finally:
            client.cancel()

    def close(self) -> None:
        self._timer.cancel()

    async def enter(self, gate: Gate, size: int) -> Place | None:
        """A place in the engine; None where the client leaves before.

        Raises TooBusy, TookTooLong.
        """
        if place := gate.take(size):
            return place
        turn = asyncio.ensure_future(gate.wait(size))
        gone = asyncio.ensure_future(self.receive())
        try:
            await asyncio.wait((turn, gone), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if turn.done() and not turn.exception():
                turn.result().leave()
            raise
        finally:
            gone.cancel()
            if not turn.done():
                turn.cancel()
        if turn.done():
            return turn.result()
        if self.over:
            raise TookTooLong(self.seconds)
        return None
