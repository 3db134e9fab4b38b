"""What tests of limits share: somebody who asks, in a server, of one process or another."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from bot.limits import Limits, Verdict
from bot.messages import Incoming
from bot.store import Store
from bot.wiring import store
from tests.bot.conftest import settings_for
from tests.fakes.model import ModelServer


@pytest.fixture
async def elsewhere(redis_home: Path, model: ModelServer) -> AsyncIterator[Store]:
    """Another process's connection to the same Redis."""
    async with store(settings_for(redis_home, model)) as opened:
        yield opened


@pytest.fixture
def person() -> str:
    return f"test:{uuid4()}"


@pytest.fixture
def server() -> str:
    return f"test:server:{uuid4()}"


async def ask(
    limits: Limits, kept: Store, person: str, *roles: str, server: str | None = None
) -> Verdict:
    counting = limits.counting(
        Incoming("here", "1", person, "Tom", "hi", roles=roles, server=server)
    )
    return await limits.verdict(counting, await kept.ask_all(*counting.asks))
