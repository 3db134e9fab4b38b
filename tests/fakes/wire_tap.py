"""A tap in front of a Redis socket: counts round trips, and can cut the line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class WireTap:
    """A round trip is a stretch of bytes to the server that follows bytes from it."""

    target: Path
    round_trips: int = 0
    sent: list[bytes] = field(default_factory=list)
    port: int = 0
    away: bool = False
    """Nobody answers any more; what is open ends with `cut`."""
    _lines: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.away:
            writer.close()
            return
        task = asyncio.current_task()
        assert task is not None
        self._lines.add(task)
        answers, questions = await asyncio.open_unix_connection(str(self.target))
        turn = [False]

        async def up() -> None:
            while data := await reader.read(65_536):
                if not turn[0]:
                    turn[0] = True
                    self.round_trips += 1
                self.sent.append(data)
                questions.write(data)
                await questions.drain()

        async def down() -> None:
            while data := await answers.read(65_536):
                turn[0] = False
                writer.write(data)
                await writer.drain()

        ways = [asyncio.create_task(up()), asyncio.create_task(down())]
        try:
            with suppress(asyncio.CancelledError):  # by `cut`
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for one in ways:
                one.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            self._lines.discard(task)
            for end in (writer, questions):
                end.close()
                with suppress(OSError, asyncio.CancelledError):
                    await end.wait_closed()

    async def cut(self) -> None:
        for line in list(self._lines):
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)


@asynccontextmanager
async def wire_tap(target: Path) -> AsyncIterator[WireTap]:
    tap = WireTap(target)
    server = await asyncio.start_server(tap.carry, "127.0.0.1", 0)
    tap.port = server.sockets[0].getsockname()[1]
    try:
        yield tap
    finally:
        server.close()
        await tap.cut()
        await server.wait_closed()
