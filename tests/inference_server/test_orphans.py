"""A server that is killed or interrupted leaves no engine behind, and no page of traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path

from tests.inference_server.stage import runs
from tests.vllm_server import PROJECT

PARENT = """
import multiprocessing, sys, time
from inference_server.orphans import end_with_parent

def coordinator():
    time.sleep(60)

def engine(started, late):
    if late:
        started.set()
        time.sleep(2)
    end_with_parent()
    started.set()
    time.sleep(60)

if __name__ == "__main__":
    end_with_parent()
    spawn = multiprocessing.get_context("spawn")
    started, late = spawn.Event(), sys.argv[1:] == ["late"]
    children = [spawn.Process(target=coordinator)]
    children.append(spawn.Process(target=engine, args=[started, late]))
    for child in children:
        child.start()
    started.wait()
    print(*(child.pid for child in children), flush=True)
    time.sleep(60)
"""
"""Like a server of several engines, whose coordinator reads no plugins."""

INTERRUPTED = """
import multiprocessing, signal, time
from inference_server.each_process import begin

def engine(started):
    begin()
    started.set()
    time.sleep(60)

if __name__ == "__main__":
    spawn = multiprocessing.get_context("spawn")
    started = spawn.Event()
    child = spawn.Process(target=engine, args=[started])
    child.start()
    started.wait()
    try:
        print("started", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        child.join(2)
        print("alive" if child.is_alive() else "gone", flush=True)
    child.terminate()
    child.join()
"""


def test_an_engine_and_the_coordinator_end_when_the_server_that_started_them_is_killed(tmp_path):
    started = kill_a_server(tmp_path)
    assert ended(started)


def test_an_engine_that_starts_too_late_to_see_the_kill_ends_and_leaves_strangers_alone(tmp_path):
    orphan = ["sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!"]
    stranger = int(subprocess.run(orphan, capture_output=True, text=True, check=True).stdout)
    coordinator, engine = kill_a_server(tmp_path, "late")
    try:
        assert ended([engine])
        assert runs(stranger)
    finally:
        os.kill(stranger, signal.SIGKILL)
        os.kill(coordinator, signal.SIGKILL)


def test_ctrl_c_in_a_terminal_is_for_the_server_which_then_ends_its_engines(tmp_path):
    script = tmp_path / "server.py"
    script.write_text(INTERRUPTED)
    with subprocess.Popen(
        [sys.executable, script],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "started\n"
        os.killpg(server.pid, signal.SIGINT)  # as a terminal sends it: to all of them
        said, errors = server.communicate(timeout=60)
    assert said == "alive\n"
    assert "Traceback" not in errors


def kill_a_server(folder: Path, *arguments: str) -> list[int]:
    """The processes that it had started."""
    script = folder / "server.py"
    script.write_text(PARENT)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT)}
    with subprocess.Popen(
        [sys.executable, script, *arguments], env=environment, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        started = [int(pid) for pid in server.stdout.readline().split()]
        assert [runs(pid) for pid in started] == [True, True]
        assert server.poll() is None, "a server without a parent of vLLM's must not watch anybody"
        os.kill(server.pid, signal.SIGKILL)
        return started


def ended(processes: list[int]) -> bool:
    deadline = time.monotonic() + 30
    while any(map(runs, processes)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not any(map(runs, processes))


def test_vllm_finds_our_plugins_in_the_installed_project():
    found = {
        group: {entry.value for entry in entry_points(group=group) if entry.name == "understudy"}
        for group in ("vllm.endpoint_plugins", "vllm.general_plugins")
    }
    assert found == {
        "vllm.endpoint_plugins": {"inference_server.plugin:Understudy"},
        "vllm.general_plugins": {"inference_server.each_process:begin"},
    }
