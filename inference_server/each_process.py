"""What every process that vLLM starts does first, the API server's own included.

A `vllm.general_plugins` entry point: vLLM calls it in servers, engines and workers.
"""

from __future__ import annotations

from .discretion import hush
from .orphans import end_with_parent


def begin() -> None:
    hush()
    end_with_parent()
