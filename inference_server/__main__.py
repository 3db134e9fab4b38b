"""Starts the inference server: checks first, in a second and in sentences, then vLLM."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from pydantic import ValidationError

from adapters.registry import Registry, RegistryError

from . import base_model, launch
from .errors import CannotServe
from .keys import Keys
from .settings import ServerSettings

log = logging.getLogger("inference_server")


def main(
    host: str = "127.0.0.1",
    port: int = 8000,
    vllm_args: Sequence[str] = (),
    verbose: bool = False,
) -> None:
    """Serve until a signal; what is wrong before that is one sentence and exit status 1."""
    set_up_logging(verbose)
    try:
        serve(host, port, list(vllm_args), verbose)
    except CannotServe as error:
        log.debug("why:", exc_info=error)
        print(f"understudy serve: {error}", file=sys.stderr)
        raise SystemExit(1) from None


def serve(host: str, port: int, vllm_args: list[str], verbose: bool) -> None:
    """Raises CannotServe."""
    settings = read_settings()
    Keys.of(settings)  # what is wrong with them is said before vLLM takes its seconds
    launch.check_passed_on(vllm_args)
    try:
        registry = Registry.at(settings.registry, settings.registry_cache)
    except RegistryError as error:
        raise CannotServe(str(error)) from None
    # Looked at before the environment is prepared: an hf:// registry needs the Hub, vLLM does not.
    launch.check_registry(registry)
    port = launch.free_port(host, port)
    base = base_model.locate(settings.base_model)
    argv = launch.arguments(base, registry, host, port, vllm_args, verbose)
    launch.prepare_environment(os.environ, verbose, launch.engines(vllm_args))
    log.info("starting vLLM with the base model %s on http://%s:%d …", base.name, host, port)
    with launch.starting(settings.understudy_home, port):
        from .run import run  # vLLM takes seconds to import

        run(argv, settings)


def read_settings() -> ServerSettings:
    try:
        return ServerSettings()
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        name = "_".join(map(str, first["loc"])).upper()
        raise CannotServe(f"{name}: {first['msg']}") from None


def set_up_logging(verbose: bool) -> None:
    """Our own lines on standard error; vLLM keeps its own logging."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    log.handlers = [handler]
    log.propagate = False
    log.setLevel(logging.DEBUG if verbose else logging.INFO)
    if not verbose:
        logging.getLogger("vllm").setLevel(logging.ERROR)


def command_line() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m inference_server",
        description="Serve the base model and every persona of the registry.",
        epilog="Anything else is passed on to vLLM.",
        allow_abbrev=False,
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--verbose", action="store_true")
    options, vllm_args = parser.parse_known_args()
    main(options.host, options.port, vllm_args, options.verbose)


if __name__ == "__main__":
    command_line()
