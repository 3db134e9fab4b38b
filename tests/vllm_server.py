"""Starts the real inference server in a process of its own, for tests that need one."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

PROJECT = Path(__file__).parents[1]
START_TIMEOUT_S = 360
STOP_TIMEOUT_S = 30


class VllmServer:
    """`python -m inference_server` over one home; the same address after every restart."""

    inference_key = "test-inference-key"
    admin_key = "test-admin-key"
    module = "inference_server"
    arguments: tuple[str, ...] = ()
    """What else is said on the command line."""

    def __init__(self, home: Path, base_model: Path) -> None:
        self.home, self.base_model = home, base_model
        self.log = home / "server.log"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self.environment: dict[str, str] = {}
        """What else the server is told, or told otherwise."""

    def start(self) -> None:
        environment = {
            "UNDERSTUDY_HOME": str(self.home),
            "BASE_MODEL": str(self.base_model),
            "INFERENCE_API_KEY": self.inference_key,
            "ADMIN_API_KEY": self.admin_key,
            "REGISTRY_WATCH_S": "0.5",
            "HF_HUB_OFFLINE": "1",
            **self.environment,
        }
        self.spawn(self.module, "--port", str(self.port), *self.arguments, **environment)

    def spawn(self, module: str, *arguments: str, **environment: str) -> None:
        """Run a module of the project as this server's process, told nothing else."""
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env={**inherited, "PYTHONPATH": str(PROJECT), **environment},
                cwd=self.home, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def wait_until_ready(self) -> dict[str, Any]:
        """What /ready says once it says 200."""
        assert self.process is not None
        due = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < due:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended:\n{self.log.read_text()[-4000:]}")
            try:
                answer = httpx.get(f"{self.url}/ready", timeout=5)
            except httpx.TransportError:
                time.sleep(0.3)
                continue
            if answer.status_code == 200:
                ready: dict[str, Any] = answer.json()
                return ready
            time.sleep(0.2)
        raise TimeoutError(f"the server is not ready:\n{self.log.read_text()[-4000:]}")

    def ended(self, timeout_s: float) -> int:
        """The exit status of a server that ends by itself."""
        assert self.process is not None
        return self.process.wait(timeout_s)

    def stop(self) -> int:
        """Stop it as a supervisor does; its exit status."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(STOP_TIMEOUT_S)

    def kill(self) -> None:
        """End it and all that it started, without asking."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def children(self) -> dict[int, str]:
        """Its child processes' ids, each with its command line or name."""
        assert self.process is not None
        found = {}
        for entry in Path("/proc").iterdir():
            try:
                status = (entry / "stat").read_text() if entry.name.isdigit() else ""
            except OSError:
                continue
            if status and int(status.rpartition(")")[2].split()[2]) == self.process.pid:
                found[int(entry.name)] = status[status.index("(") + 1 : status.rindex(")")]
        found.pop(self.process.pid, None)
        return found

    def client(self, key: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)
