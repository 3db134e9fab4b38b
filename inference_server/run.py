"""Runs vLLM's own API server in this process, with our settings in its arguments."""

from __future__ import annotations

import asyncio
import atexit
import multiprocessing
import os
import signal
import sys
import threading
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import uvloop
from vllm.entrypoints.launchers.api_server.entry import run_server_worker
from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
from vllm.entrypoints.launchers.launcher import setup_server
from vllm.entrypoints.serve.utils.api_utils import cli_env_setup
from vllm.logger import configure_logging_from_args
from vllm.utils.argparse_utils import FlexibleArgumentParser

from .errors import CannotServe
from .launch import GUARD
from .settings import ServerSettings

STOP_S = 3.0
"""How long a start that was interrupted may take to clean up."""


def parse(argv: list[str]) -> Namespace:
    """vLLM's arguments, with what must not have changed checked once more. Raises CannotServe."""
    args: Namespace = make_arg_parser(FlexibleArgumentParser(prog="vLLM")).parse_args(argv)
    try:
        validate_parsed_serve_args(args)
    except (TypeError, ValueError, KeyError) as error:
        raise CannotServe(str(error)) from error
    untouched = (args.middleware == [GUARD], args.lora_modules is None, args.api_key is None)
    if not all(untouched) or args.model_tag is not None or args.root_path is not None:
        raise CannotServe("an option for vLLM would change what only this server may set")
    return args


def run(argv: list[str], settings: ServerSettings) -> None:
    """Serve until a signal. Raises CannotServe where vLLM can't start or its engine has died."""
    cli_env_setup()
    args = parse(argv)
    configure_logging_from_args(args)
    args.understudy = settings
    atexit.register(_end_quietly)
    loop = _Loop()
    for its_signal in (signal.SIGINT, signal.SIGTERM):
        signal.signal(its_signal, loop.interrupt)
    try:
        listen_address, listening = setup_server(args, reuse_port=False)
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(run_server_worker(listen_address, listening, args))
    except KeyboardInterrupt:
        return
    except (RuntimeError, ValueError, OSError) as error:
        if not loop.signalled:
            raise CannotServe(f"vLLM could not start: {error} (--verbose shows more)") from error
    if not loop.signalled:
        raise CannotServe(
            "vLLM's engine has died (its own lines are above); start the server again"
        )


class _Loop(uvloop.Loop):
    """Notes whether a signal has asked to stop: vLLM returns the same way when its engine dies."""

    signalled = False

    def interrupt(self, _signal: int, _frame: object) -> None:
        """A signal before vLLM listens, when it puts its own handlers in this one's place.

        The exception may get lost in code that vLLM runs just then, or vLLM may wait for an engine
        that is gone: after a moment the process ends in any case.
        """
        self.signalled = True
        for engine in multiprocessing.active_children():
            engine.terminate()
        last_word = threading.Timer(STOP_S, os._exit, (0,))
        last_word.daemon = True
        last_word.start()
        raise KeyboardInterrupt

    def add_signal_handler(self, sig: int, callback: Callable[..., object], *args: object) -> None:
        def noted() -> None:
            self.signalled = True
            callback(*args)

        super().add_signal_handler(sig, noted)


def _end_quietly() -> None:
    """Triton counts its own leaks on standard error as the interpreter ends; it helps nobody."""
    sys.stderr.flush()
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
