"""Keeps what people send out of vLLM's log, where it logs an error that quotes the request.

Knows which of vLLM's loggers do. Of an error its kind and its place stay, which is what a server's
owner can act on; a client's own mistake is told to the client alone.
"""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

TALKATIVE = (
    "vllm.entrypoints.openai.chat_completion.serving",
    "vllm.entrypoints.openai.completion.serving",
    "vllm.renderers.chat_utils",
    "vllm.renderers.hf",
    "vllm.v1.structured_output",
)


def hush() -> None:
    """Do it in this process; doing it again changes nothing."""
    for name in TALKATIVE:
        logging.getLogger(name).addFilter(discreet)


def discreet(record: logging.LogRecord) -> bool:
    from vllm.exceptions import VLLMClientError  # is loaded where its loggers speak

    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return True
    if isinstance(error, VLLMClientError):
        return False
    places = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(places[-1].filename).name}:{places[-1].lineno}" if places else ""
    record.msg = f"{record.getMessage()} ({type(error).__name__}{place})"
    record.args, record.exc_info, record.exc_text = None, None, None
    return True
