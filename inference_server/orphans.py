"""Ends what vLLM has started when the server that started it is gone without a word.

Without it a server that is killed leaves its engines behind, with all of their memory. The
coordinator of several engines reads no plugins, so each engine ends its siblings too.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time

import psutil  # type: ignore[import-untyped]  # comes with vLLM

GRACE_S = 2.0


def end_with_parent() -> None:
    """Watch the parent from a thread; does nothing in a process that vLLM did not start."""
    parent = multiprocessing.parent_process()
    if parent is None or any(thread.name == __name__ for thread in threading.enumerate()):
        return
    siblings = _children(parent.pid)

    def watch() -> None:
        parent.join()
        for sibling in siblings:
            with contextlib.suppress(psutil.Error):
                sibling.terminate()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_S)
        os._exit(1)

    threading.Thread(target=watch, name=__name__, daemon=True).start()


def _children(parent: int | None) -> list[psutil.Process]:
    """What this process's parent has started so far: the coordinator comes before the engines.

    Nothing when the parent is gone already, as somebody else's children must not be touched.
    """
    me = psutil.Process()
    try:
        started = psutil.Process(parent).children() if me.ppid() == parent else []
    except psutil.Error:
        return []
    return [child for child in started if child != me]
