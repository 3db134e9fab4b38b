"""GET /health on this machine: which platforms are there, for a supervisor to read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from .errors import CannotStart

STARTING = "starting"


@asynccontextmanager
async def health(port: int, platforms: Mapping[str, str]) -> AsyncIterator[int]:
    """Serve 200 once no platform is still starting, 503 before; yields the port (0: any free).

    Raises CannotStart where the port is taken.
    """

    async def answer(_: web.Request) -> web.Response:
        ready = STARTING not in platforms.values()
        return web.json_response({"platforms": dict(platforms)}, status=200 if ready else 503)

    app = web.Application()
    app.router.add_get("/health", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
        except OSError as error:
            spoken = f"Port {port} can't be used ({error.strerror}). Choose another with --port."
            raise CannotStart(spoken=spoken) from error
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
