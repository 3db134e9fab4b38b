"""A Redis server of our own for those who have none: one per UNDERSTUDY_HOME, stopped by its last.

Three locks in `run/` (advisory file locks, which the kernel drops with their process):

    redis.door    held alone for the moments of coming and going
    redis.users   shared by all users; who can take it alone at the door was the last one
    redis.data    handed to the server itself, which holds it for as long as it lives

So a crashed user leaves nothing behind but a running server, which the next one finds; and no
second server ever writes the same data, not even beside a first one that hangs.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from time import monotonic, sleep

from . import redis_files
from .errors import CannotStart, RedisWillNotStart

log = logging.getLogger(__name__)

START_SECONDS = 60
"""A large append-only file takes its time to load."""
STOP_SECONDS = 15
LOOK_SECONDS = 1


class EmbeddedRedis:
    """The one server of a home, for use within `running()`."""

    def __init__(self, home: Path) -> None:
        self._home = home.expanduser().absolute()
        self._run = self._home / "run"
        self._data = self._home / "redis"
        self._note = self._run / "redis.json"
        self._pid_file = self._run / "redis.pid"
        self.socket = self._run / "redis.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @contextmanager
    def running(self) -> Iterator[None]:
        """A server answers at `url` for as long as the block lasts. Raises RedisWillNotStart."""
        users = self.come()
        try:
            yield
        finally:
            self.go(users)

    def come(self) -> int:
        """Become a user, the first one starts the server; returns what `go` takes."""
        with self._failures_told():
            for folder in (self._run, self._data):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                folder.chmod(0o700)
            with self._locked("redis.door"):
                users = self._open("redis.users")
                try:
                    fcntl.flock(users, fcntl.LOCK_SH)
                    self._ensure()
                except BaseException:
                    os.close(users)
                    raise
                return users

    def go(self, users: int) -> None:
        """Be no user any more; the last one stops the server."""
        with self._locked("redis.door"):
            os.close(users)
            mine = self._open("redis.users")
            try:
                if _lock_now(mine):
                    self._stop()
            finally:
                os.close(mine)

    def revive(self) -> None:
        """Start the server again if it has died. Raises RedisWillNotStart."""
        with self._failures_told(), self._locked("redis.door"):
            self._ensure()

    def _ensure(self) -> None:
        data = self._open("redis.data")
        try:
            alone = _lock_now(data)
            if alone:
                self.socket = redis_files.socket_for(self._home)
                self._start(data)
            else:
                self.socket = self._noted_socket()
        finally:
            os.close(data)  # a started server keeps its own copy, and the lock with it
        self._await_answer()
        if alone:
            self._announce()

    def _start(self, data: int) -> None:
        binary = redis_files.server_binary(self._data)
        self.socket.unlink(missing_ok=True)
        started = subprocess.run(
            [str(binary), *redis_files.options(self.socket, self._data, self._pid_file)],
            pass_fds=(data,),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            restore_signals=False,  # beyond a file-size limit a write fails, nobody dies of it
            start_new_session=True,
            umask=0o077,
            timeout=START_SECONDS,
            check=False,
        )
        if started.returncode != 0:
            raise RedisWillNotStart(redis_files.last_words(self._data, started.stdout))

    def _await_answer(self) -> None:
        """Wait until the server answers; its death shows in the lock that it no longer holds."""
        deadline = monotonic() + START_SECONDS
        while not redis_files.asked(self.socket, b"PING").startswith(b"+PONG"):
            if not self._lives():
                raise RedisWillNotStart(redis_files.last_words(self._data))
            if monotonic() > deadline:
                raise RedisWillNotStart(
                    f"the server that holds {self._data} does not answer; end it and try again."
                )
            sleep(0.005)

    def _stop(self) -> None:
        redis_files.asked(self.socket, b"SHUTDOWN")
        deadline = monotonic() + STOP_SECONDS
        while self._lives():
            if monotonic() > deadline:
                log.warning("the embedded Redis does not stop by itself; it is killed")
                os.kill(self._pid(), signal.SIGKILL)
                break
            sleep(0.005)
        for leftover in (self._note, self.socket):
            leftover.unlink(missing_ok=True)

    def _lives(self) -> bool:
        probe = self._open("redis.data")
        try:
            return not _lock_now(probe)
        finally:
            os.close(probe)

    def _pid(self) -> int:
        return int(self._pid_file.read_text("ascii"))

    def _announce(self) -> None:
        """Tell other processes where the server is; whole, or not at all."""
        facts = {"url": self.url, "socket": str(self.socket), "pid": self._pid()}
        draft = self._note.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(facts), "utf-8")
        draft.replace(self._note)

    def _noted_socket(self) -> Path:
        """Where a running server is: its starter may have seen another temporary folder."""
        try:
            return Path(json.loads(self._note.read_text("utf-8"))["socket"])
        except (OSError, ValueError, KeyError):
            return redis_files.socket_for(self._home)

    def _open(self, name: str) -> int:
        return os.open(self._run / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        lock = self._open(name)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    @contextmanager
    def _failures_told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RedisWillNotStart(f"{error.strerror or error}, at {self._home}.") from error
        except subprocess.TimeoutExpired as error:
            raise RedisWillNotStart(f"it took longer than {START_SECONDS} s.") from error


@asynccontextmanager
async def embedded_redis(home: Path) -> AsyncIterator[EmbeddedRedis]:
    """The home's server, without holding up the event loop. Raises RedisWillNotStart."""
    server = EmbeddedRedis(home)
    coming = asyncio.ensure_future(asyncio.to_thread(server.come))
    try:
        users = await asyncio.shield(coming)
    except asyncio.CancelledError:
        await asyncio.to_thread(server.go, await coming)
        raise
    try:
        yield server
    finally:
        await asyncio.shield(asyncio.to_thread(server.go, users))


def _lock_now(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def hold(home: Path, stop: threading.Event) -> None:
    """Be a user of the home's server until told to stop; bring it back when it dies."""
    server = EmbeddedRedis(home)
    with server.running():
        log.info("the embedded Redis answers at %s", server.socket)
        while not stop.wait(LOOK_SECONDS):
            server.revive()


def main() -> int:
    """`python -m bot.embedded_redis`: hold the server of UNDERSTUDY_HOME until SIGTERM."""
    from .settings import load

    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        hold(load().understudy_home, stop)
    except CannotStart as error:
        print(error.spoken, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
