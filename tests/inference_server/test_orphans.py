"""A server that is killed leaves no engine behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from importlib.metadata import entry_points

from tests.inference_server.stage import runs
from tests.vllm_server import PROJECT

PARENT = """
import multiprocessing, time
from inference_server.orphans import end_with_parent

def engine():
    end_with_parent()
    time.sleep(60)

if __name__ == "__main__":
    end_with_parent()
    child = multiprocessing.get_context("spawn").Process(target=engine)
    child.start()
    print(child.pid, flush=True)
    time.sleep(60)
"""


def test_an_engine_ends_when_the_server_that_started_it_is_killed(tmp_path):
    script = tmp_path / "server.py"
    script.write_text(PARENT)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT)}
    with subprocess.Popen(
        [sys.executable, str(script)], env=environment, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        engine = int(server.stdout.readline())
        time.sleep(2)
        assert runs(engine)
        assert server.poll() is None, "a server without a parent of vLLM's must not watch anybody"
        os.kill(server.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while runs(engine) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not runs(engine)


def test_vllm_finds_our_plugins_in_the_installed_project():
    found = {
        group: {entry.value for entry in entry_points(group=group) if entry.name == "understudy"}
        for group in ("vllm.endpoint_plugins", "vllm.general_plugins")
    }
    assert found == {
        "vllm.endpoint_plugins": {"inference_server.plugin:Understudy"},
        "vllm.general_plugins": {"inference_server.orphans:end_with_parent"},
    }
