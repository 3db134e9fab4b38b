"""Runs the real server, or a publisher, which kills itself at a point that a test names.

    python -m tests.inference_server.killed_at …        as `python -m inference_server …`
    python -m tests.inference_server.killed_at publish REGISTRY BASE SOURCE

A point is "before" or "after" with what happens there: a step of a rollout, the rename that makes
`current`, the rename that makes a version, the copying of one of its files. A trap is set by a file
in UNDERSTUDY_HOME, at any time, and is gone once it has sprung. Everything is wrapped from here:
the server's own code knows nothing of it.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adapters.registry import Registry
from inference_server.part import Rollout, Step

MODULE = "tests.inference_server.killed_at"
TRAP = "trap"
ALONE, WITH_ALL = "alone", "with all it started"
CURRENT = "the rename of current"
VERSION = "the rename of a version"
COPY = "the copying of a file"


def set_trap(home: Path, point: str, who: str = WITH_ALL) -> None:
    """The process of that home dies at the point, alone or with its whole group."""
    beside = home / f".{TRAP}"
    beside.write_text(f"{point}\n{who}")
    beside.replace(home / TRAP)


def reach(home: Path, point: str) -> None:
    try:
        where, who = (home / TRAP).read_text().split("\n")
    except FileNotFoundError:
        return
    if where == point:
        (home / TRAP).unlink()
        if who == WITH_ALL:
            os.killpg(0, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)


def wrap_steps(home: Path) -> None:
    at = Rollout.at

    @contextmanager
    def wrapped(self: Rollout, step: Step) -> Iterator[None]:
        reach(home, f"before {step}")
        with at(self, step):
            yield
        reach(home, f"after {step}")

    Rollout.at = wrapped  # type: ignore[method-assign]


def wrap_call(home: Path, module: Any, name: str, what: Callable[[Any], str | None]) -> None:
    """`what` names the point, if it is one, by the function's second argument: where to."""
    function = getattr(module, name)

    def wrapped(source: Any, target: Any, *rest: Any, **options: Any) -> Any:
        point = what(target)
        if point:
            reach(home, f"before {point}")
        result = function(source, target, *rest, **options)
        if point:
            reach(home, f"after {point}")
        return result

    setattr(module, name, wrapped)


def wrap_files(home: Path) -> None:
    wrap_call(home, os, "replace", lambda to: CURRENT if Path(to).name == "current" else None)
    wrap_call(home, os, "rename", lambda to: VERSION if Path(to).name.isdigit() else None)
    wrap_call(home, shutil, "copyfileobj", lambda _: COPY)


def publish(root: str, base: str, source: str) -> None:
    from tests.inference_server import made

    made.publish(Registry(Path(root)), "maya", Path(base), Path(source))


def main() -> None:
    home = Path(os.environ["UNDERSTUDY_HOME"])
    wrap_steps(home)
    wrap_files(home)
    if sys.argv[1:2] == ["publish"]:
        publish(*sys.argv[2:])
    else:
        from inference_server.__main__ import command_line

        command_line()


if __name__ == "__main__":
    main()
