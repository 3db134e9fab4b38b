"""Ends vLLM's engine processes when the server that started them is gone without a word.

A `vllm.general_plugins` entry point: vLLM calls it in every process it starts. Without it a server
that is killed leaves its engine behind, with all of its memory.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time

GRACE_S = 2.0


def end_with_parent() -> None:
    """Watch the parent from a thread; does nothing in a process that vLLM did not start."""
    parent = multiprocessing.parent_process()
    if parent is None or any(thread.name == __name__ for thread in threading.enumerate()):
        return

    def watch() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_S)
        os._exit(1)

    threading.Thread(target=watch, name=__name__, daemon=True).start()
