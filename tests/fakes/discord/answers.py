"""How the fake writes an answer: discord.py wants the content type to be exactly this one."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web


def json_answer(data: Any, status: int = 200) -> web.Response:
    return web.Response(
        body=json.dumps(data).encode(), status=status, headers={"Content-Type": "application/json"}
    )


def no_content() -> web.Response:
    return web.Response(status=204)
