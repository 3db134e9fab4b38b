"""Builds vLLM's own app with our arguments and prints its routes as JSON; run as a script.

    python -m tests.inference_server.vllm_routes BASE_MODEL

Twice: with the plugin in place, and with one that fails to load, which vLLM skips; the second app
is then asked every route with both keys, and the answers' status codes are printed too.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from adapters.registry import Registry
from inference_server import launch


def routes_of(app: Any) -> list[tuple[str, str]]:
    """(method, path) of every route; WEBSOCKET and MOUNT where there is no method."""
    found = []
    for route in app.routes:
        methods = getattr(route, "methods", None) or [type(route).__name__.upper()]
        found += [(method, route.path) for method in sorted(methods)]
    return found


def main() -> None:
    launch.prepare_environment(os.environ, verbose=False)
    from starlette.testclient import TestClient
    from vllm.entrypoints.launchers.app import build_app

    from inference_server.run import parse

    with tempfile.TemporaryDirectory() as empty:
        registry = Registry(Path(empty))
        argv = launch.arguments(Path(sys.argv[1]), registry, "127.0.0.1", 0, [], verbose=False)
    tasks = ("generate",)
    whole = routes_of(build_app(parse(argv), tasks))

    sys.modules["inference_server.plugin"] = None  # type: ignore[assignment]
    bare = build_app(parse(argv), tasks)
    client = TestClient(bare, raise_server_exceptions=False)
    answers = []
    for method, path in routes_of(bare):
        if method.isupper() and "ROUTE" not in method and "MOUNT" not in method:
            for key in ("test-inference-key", "test-admin-key"):
                headers = {"Authorization": f"Bearer {key}"}
                answers.append(
                    (method, path, client.request(method, path, headers=headers).status_code)
                )
    print(json.dumps({"routes": whole, "without_plugin": answers}))


if __name__ == "__main__":
    main()
