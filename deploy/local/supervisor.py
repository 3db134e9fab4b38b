"""Minding child processes: start in order, restart what dies, stop in reverse.

Knows processes and how to tell that one is ready; knows nothing of what they do.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from .voice import Voice

STOP_WITHIN_S = 25.0
"""A child has this long after SIGTERM: the bot finishes its answers within 20 s."""
BACK_OFF_S = (1.0, 2.0, 5.0, 10.0, 30.0)
STEADY_AFTER_S = 60.0
"""A child that ran this long starts again with the shortest back-off."""
READY_POLL_S = 0.25
LAST_WORDS = 6
"""Lines of a dead child's log that are shown."""


class PartFailed(Exception):
    """A part did not become ready; the message ends with its last words."""


@dataclass(frozen=True)
class Part:
    """One child process and how to know that it is ready."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    ready: Callable[[], Awaitable[str | None]]
    """Asked again and again: what to say of the running part, or None while it starts."""
    starting: str = "starting"
    timeout_s: float = 600


class Child:
    """A part's process, kept alive until `stop`."""

    def __init__(self, part: Part, voice: Voice, back_off_s: Sequence[float] = BACK_OFF_S) -> None:
        self.part = part
        self._voice = voice
        self._back_off_s = back_off_s
        self._process: asyncio.subprocess.Process | None = None
        self._minding: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns when the part is ready; raises PartFailed when it ends or takes too long."""
        with self._voice.waiting(self.part.name, self.part.starting):
            await self._launch()
            said = await self._wait_ready()
        self._voice.say(self.part.name, said)
        self._minding = asyncio.create_task(self._mind())

    async def stop(self) -> None:
        if self._minding:
            self._minding.cancel()
            await asyncio.gather(self._minding, return_exceptions=True)
        await self._end()

    async def _launch(self) -> None:
        self.part.log.parent.mkdir(parents=True, exist_ok=True)
        with self.part.log.open("ab") as log:
            log.write(f"--- {time.strftime('%F %T')} {self.part.name} starts\n".encode())
            log.flush()
            self._process = await asyncio.create_subprocess_exec(
                *self.part.command,
                env={**os.environ, **self.part.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C reaches the supervisor alone, which then stops all in order.
                start_new_session=True,
            )

    async def _wait_ready(self) -> str:
        assert self._process is not None
        deadline = time.monotonic() + self.part.timeout_s
        while time.monotonic() < deadline:
            if self._process.returncode is not None:
                raise PartFailed(f"{self.part.name} ended at once: {self._last_words()}")
            if said := await self.part.ready():
                return said
            await asyncio.sleep(READY_POLL_S)
        raise PartFailed(
            f"{self.part.name} was not ready after {self.part.timeout_s:.0f} s; see {self.part.log}"
        )

    async def _mind(self) -> None:
        """Restart the process whenever it ends by itself, waiting longer each time."""
        failures = 0
        while True:
            began = time.monotonic()
            ended = await self._ended()
            failures = 0 if time.monotonic() - began > STEADY_AFTER_S else failures
            pause_s = self._back_off_s[min(failures, len(self._back_off_s) - 1)]
            failures += 1
            self._voice.say(self.part.name, f"{ended}; starting it again in {pause_s:g} s")
            await asyncio.sleep(pause_s)
            try:
                await self._launch()
                self._voice.say(self.part.name, await self._wait_ready())
            except (PartFailed, OSError) as error:
                self._voice.say(self.part.name, str(error))
                await self._end()

    async def _ended(self) -> str:
        """Returns how the process ended, once it has and nothing of it is left."""
        if self._process is None:
            return "did not get ready"
        status = await self._process.wait()
        await self._end()
        return f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"

    async def _end(self) -> None:
        """SIGTERM, and SIGKILL when that is not heard in time.

        What the process had started itself (vLLM's engine, with its memory) is killed in any
        case: it must not outlive it.
        """
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            _signal(process.pid, signal.SIGTERM, group=False)
            try:
                await asyncio.wait_for(process.wait(), STOP_WITHIN_S)
            except TimeoutError:
                late = f"did not stop within {STOP_WITHIN_S:.0f} s: killed"
                self._voice.say(self.part.name, late)
        _signal(process.pid, signal.SIGKILL, group=True)
        await process.wait()

    def _last_words(self) -> str:
        lines = self.part.log.read_text("utf-8", errors="replace").splitlines()
        begun = max((i for i, line in enumerate(lines) if line.startswith("--- ")), default=-1)
        said = [line for line in lines[begun + 1 :] if line.strip()][-LAST_WORDS:]
        return "\n  ".join(said) if said else f"it said nothing (log: {self.part.log})"


@asynccontextmanager
async def minded(parts: Sequence[Part], voice: Voice) -> AsyncIterator[None]:
    """All the parts run while this lasts: started in order, each ready, stopped in reverse."""
    async with AsyncExitStack() as stack:
        for part in parts:
            child = Child(part, voice)
            stack.push_async_callback(child.stop)
            await child.start()
        yield


def _signal(pid: int, number: signal.Signals, *, group: bool) -> None:
    try:
        os.killpg(pid, number) if group else os.kill(pid, number)
    except ProcessLookupError:
        return
