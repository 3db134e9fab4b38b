"""Bare vLLM with the flags, environment and adapters of our server, for `make bench` to compare.

    python -m tests.bench.bare BASE_MODEL REGISTRY PORT KEY

Everything `inference_server.launch` decides is kept; left out are our middleware and our plugin.
vLLM's own key check and its own routes for loading adapters are on.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from adapters.registry import Registry
from inference_server import launch


def arguments(base: Path, registry: Registry, port: int, key: str) -> list[str]:
    ours = launch.arguments(base, registry, "127.0.0.1", port, [], verbose=False)
    modules = [
        f"{name}@{version}={registry.path(name, version)}"
        for name in registry.names()
        if (version := registry.current(name)) is not None
    ]
    kept = [argument for argument in ours if not argument.startswith("--middleware")]
    return [*kept, f"--api-key={key}", "--lora-modules", *modules]


def main() -> None:
    base, root, port, key = sys.argv[1:]
    launch.prepare_environment(os.environ, verbose=False)
    os.environ["VLLM_PLUGINS"] = ""  # an empty list: no plugin at all
    os.environ["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] = "1"
    argv = arguments(Path(base), Registry.at(root), int(port), key)
    import uvloop
    from vllm.entrypoints.launchers.api_server.entry import run_server
    from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
    from vllm.entrypoints.serve.utils.api_utils import cli_env_setup
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    cli_env_setup()
    args = make_arg_parser(FlexibleArgumentParser(prog="vLLM")).parse_args(argv)
    validate_parsed_serve_args(args)
    uvloop.run(run_server(args))


if __name__ == "__main__":
    main()
