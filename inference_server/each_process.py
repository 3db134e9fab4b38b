"""What every process that vLLM starts does first, the API server's own included.

A `vllm.general_plugins` entry point: vLLM calls it in servers, engines and workers.
"""

from __future__ import annotations

import multiprocessing
import signal

from .discretion import hush
from .orphans import end_with_parent


def begin() -> None:
    hush()
    end_with_parent()
    _leave_ctrl_c_to_the_server()


def _leave_ctrl_c_to_the_server() -> None:
    """A terminal sends it to every process. Engines and workers would each end in a page of
    traceback, while the server is about to end them itself."""
    if multiprocessing.parent_process() is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
