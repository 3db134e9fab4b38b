"""Our server and bare vLLM beside it: the same base, flags, environment and adapters."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from adapters.registry import Registry
from tests.inference_server.processes import cpu_seconds, family
from tests.vllm_server import START_TIMEOUT_S, VllmServer

DEFAULT_WATCH_S = "2"


class Bare(VllmServer):
    """vLLM's own API server over the registry that ours serves."""

    def __init__(self, home: Path, base_model: Path, registry: Path) -> None:
        super().__init__(home, base_model)
        self.registry = registry
        self.log = home / "bare.log"
        self.operator = self.client(self.inference_key)

    def start(self) -> None:
        told = (str(self.base_model), str(self.registry), str(self.port), self.inference_key)
        self.spawn("tests.bench.bare", *told)

    def wait_until_ready(self) -> dict[str, Any]:
        assert self.process is not None
        due = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < due:
            if self.process.poll() is not None:
                raise RuntimeError(f"bare vLLM ended:\n{self.log.read_text()[-4000:]}")
            try:
                if httpx.get(f"{self.url}/health", timeout=5).status_code == 200:
                    return {"ready": True}
            except httpx.TransportError:
                pass
            time.sleep(0.3)
        raise TimeoutError(f"bare vLLM is not ready:\n{self.log.read_text()[-4000:]}")

    def load(self, name: str, folder: Path) -> float:
        """Have vLLM load an adapter; the seconds from the call to the answer."""
        return self._lora("load", {"lora_name": name, "lora_path": str(folder)})

    def unload(self, name: str) -> float:
        return self._lora("unload", {"lora_name": name})

    def _lora(self, verb: str, body: dict[str, str]) -> float:
        self.operator.get("/health")  # the connection is there before the clock runs
        began = time.perf_counter()
        answer = self.operator.post(f"/v1/{verb}_lora_adapter", json=body)
        spent = time.perf_counter() - began
        if answer.status_code != 200:
            raise RuntimeError(f"bare vLLM did not {verb} {body}: {answer.text}")
        return spent


class Pair:
    """Both servers over one registry, started one after the other; driven one at a time."""

    def __init__(self, folder: Path, base: Path) -> None:
        self.folder, self.base = folder, base
        self.registry = Registry(folder / "registry")
        self.registry.root.mkdir(parents=True)
        self.ours = VllmServer(folder, base)
        self.ours.environment = {"REGISTRY_WATCH_S": DEFAULT_WATCH_S}
        self.bare = Bare(folder, base, self.registry.root)
        # Made before anything is timed: reading certificates holds Python's lock, once for 5 s.
        self.operator = self.ours.client(self.ours.admin_key)

    @contextmanager
    def running(self, ours_first: bool = True) -> Iterator[None]:
        order = (self.ours, self.bare) if ours_first else (self.bare, self.ours)
        try:
            for server in order:
                server.start()
                server.wait_until_ready()
            yield
        except BaseException:
            for server in order:
                if server.process is not None:
                    print(f"{server.log.name}, exit status {server.process.poll()}:\n"
                          f"{server.log.read_text()[-4000:]}", file=sys.stderr)  # fmt: skip
            raise
        finally:
            self.operator.close()
            self.bare.operator.close()
            for server in order:
                if server.process is not None:
                    server.kill()

    def reload(self, persona: str, version: int) -> tuple[float, dict[str, float]]:
        """Roll a version out; seconds from the admin's call to the answer, and those by step."""
        self.operator.get("/health")
        began = time.perf_counter()
        answer = self.operator.post(f"/admin/personas/{persona}/reload", json={"version": version})
        spent = time.perf_counter() - began
        if answer.status_code != 200:
            raise RuntimeError(f"{persona}@{version} was not rolled out: {answer.text}")
        status = self.operator.get("/admin/status").json()["personas"][persona]
        return spent, status["rollout"]["seconds"]


def cpu_used(server: VllmServer) -> float:
    """Processor seconds of a server and its engine until now."""
    assert server.process is not None
    return sum(cpu_seconds(member.pid) for member in family(server.process.pid))


def api_cpu_used(server: VllmServer) -> float:
    """Processor seconds of the API server's process alone, where our layer runs."""
    assert server.process is not None
    return cpu_seconds(server.process.pid)
