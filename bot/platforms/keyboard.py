"""The keyboard of a terminal, or whatever stands in for one: lines, and Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import termios
from collections.abc import Callable, Coroutine
from contextlib import suppress
from threading import Thread

READ_BYTES = 65_536


class Keyboard:
    """Reads lines without holding up the event loop."""

    def __init__(self) -> None:
        self._is_tty = sys.stdin.isatty()
        self._rest = b""

    async def line(self, prompt: str) -> str | None:
        """The next line, None at the end of input. Ctrl-C at the prompt ends the input, too."""
        if not self._is_tty:
            return await _in_thread(self._piped_line)
        loop = asyncio.get_running_loop()
        reading = asyncio.ensure_future(_in_thread(lambda: _typed_line(prompt)))
        before = termios.tcgetattr(sys.stdin)
        loop.add_signal_handler(signal.SIGINT, reading.cancel)
        try:
            return await reading
        except asyncio.CancelledError:
            if not reading.cancelled() or _being_cancelled():
                raise
            return None
        finally:
            if reading.cancelled():  # the reader is still in the middle of a line
                termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
                print()
            loop.add_signal_handler(signal.SIGINT, _nothing)

    async def interruptible(self, work: Coroutine[None, None, None]) -> None:
        """Do some work that Ctrl-C stops; the talk goes on."""
        loop = asyncio.get_running_loop()
        working = asyncio.ensure_future(work)
        if self._is_tty:
            loop.add_signal_handler(signal.SIGINT, working.cancel)
        try:
            await working
        except asyncio.CancelledError:
            if _being_cancelled():
                working.cancel()
                with suppress(asyncio.CancelledError):
                    await working
                raise
        finally:
            if self._is_tty:
                loop.add_signal_handler(signal.SIGINT, _nothing)

    def _piped_line(self) -> str | None:
        """From the descriptor itself: a reader blocked there holds no lock at exit."""
        while b"\n" not in self._rest:
            read = os.read(sys.stdin.fileno(), READ_BYTES)
            if not read:
                last, self._rest = self._rest, b""
                return last.decode(errors="replace") if last else None
            self._rest += read
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode(errors="replace")


def _typed_line(prompt: str) -> str | None:
    import readline  # noqa: F401 (line editing and history for input())

    try:
        return input(prompt)
    except EOFError:
        print()
        return None


async def _in_thread(read: Callable[[], str | None]) -> str | None:
    """In a daemon thread: a blocked reader must not hold up the end of the process."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[str | None] = loop.create_future()

    def settle(line: str | None, error: Exception | None) -> None:
        if result.cancelled():
            return
        if error is None:
            result.set_result(line)
        else:
            result.set_exception(error)

    def work() -> None:
        line, error = None, None
        try:
            line = read()
        except (OSError, ValueError) as failed:
            error = failed
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, line, error)

    Thread(target=work, daemon=True).start()
    return await result


def _being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _nothing() -> None:
    """Ctrl-C while nothing can be stopped."""
