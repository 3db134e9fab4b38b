"""A running server with a registry that tests publish into, and adapters that tell a story."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from adapters.registry import Registry
from inference_server.settings import STARTER_MODEL
from tests.inference_server import made
from tests.vllm_server import VllmServer

QUESTION = "What do you want to do this weekend?"


class Stage:
    """A running server over a registry that tests publish into."""

    def __init__(self, folder: Path) -> None:
        self.base = Path(os.environ.get("BASE_MODEL") or STARTER_MODEL)
        self.registry = Registry(folder / "registry")
        self.registry.root.mkdir(parents=True)
        self.folder = folder
        self._made = 0
        self.ready: dict[str, Any] = {}
        self.server = VllmServer(folder, self.base)

    def publish(self, persona: str, base: Path | None = None, **fields: Any) -> int:
        self._made += 1
        source = self.folder / f"made-{self._made}"
        fields = {"seed": self._made, "rank": 8, "scale": 0.12, **fields}
        return made.publish(self.registry, persona, base or self.base, source, **fields)

    def ask(self, model: str, **fields: Any) -> httpx.Response:
        body = {
            "model": model,
            "messages": [{"role": "user", "content": QUESTION}],
            "temperature": 0,
            "max_tokens": 16,
            **fields,
        }
        with self.server.client(self.server.inference_key) as client:
            return client.post("/v1/chat/completions", json=body)

    def says(self, model: str) -> str:
        answer = self.ask(model)
        assert answer.status_code == 200, answer.text
        text: str = answer.json()["choices"][0]["message"]["content"]
        return text

    def admin(self, method: str, path: str, **options: Any) -> httpx.Response:
        with self.server.client(self.server.admin_key) as client:
            return client.request(method, path, **options)

    def reload(self, persona: str, **body: Any) -> httpx.Response:
        return self.admin("POST", f"/admin/personas/{persona}/reload", json=body)

    def status(self, persona: str) -> dict[str, Any]:
        status: dict[str, Any] = self.admin("GET", "/admin/status").json()["personas"][persona]
        return status


def one_track(base: Path) -> dict[str, np.ndarray]:
    """An adapter of rank 1 whose last layer drowns all else in one direction, or its opposite.

    So there are two tokens at most that the greedy choice can fall on, again and again.
    """
    weights = made.lora_weights(base, 1, seed=5, scale=0.0)
    last = max((name for name in weights if "down_proj" in name), key=_layer)
    a, b = last.replace("lora_B", "lora_A"), last.replace("lora_A", "lora_B")
    rng = np.random.default_rng(5)
    for name in (a, b):
        weights[name] = (2 * rng.normal(size=weights[name].shape)).astype(np.float32)
    return weights


def _layer(name: str) -> int:
    return int(re.findall(r"layers[.](\d+)[.]", name)[0])


def runs(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def foreign_base(folder: Path, base: Path) -> Path:
    """The same architecture with other weights, as a retrained base would have."""
    shutil.copytree(base, folder)
    with (folder / "config.json").open("a") as config:
        config.write("\n")
    return folder
