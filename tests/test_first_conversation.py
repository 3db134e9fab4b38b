"""The whole path as a newcomer walks it: import, train, publish, `up`, talk, roll back, stop.

Everything is real: the sample chat, a training run, vLLM, Redis, processes.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from adapters.registry import Registry
from deploy.local.home import Home
from deploy.local.settings import PROJECT, Settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SAMPLE = PROJECT / "adapters" / "samples" / "maya-and-tom.txt"
STEP_TIMEOUT_S = 300


def environment(home: Path) -> dict[str, str]:
    ours = {name.upper() for name in Settings.model_fields}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return {**kept, "UNDERSTUDY_HOME": str(home), "HF_HUB_OFFLINE": "1"}


def understudy(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "understudy", *arguments],
        cwd=home.parent,
        env=environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=STEP_TIMEOUT_S,
        check=False,
    )


def succeeded(home: Path, *arguments: str) -> str:
    done = understudy(home, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which Maya was imported, trained and published."""
    home = tmp_path_factory.mktemp("first") / "data"
    who = ("--persona", "maya", "--speaker", "Maya")
    succeeded(home, "consent", "grant", "Maya", "--persona", "maya")
    report = json.loads(succeeded(home, "import", "whatsapp", str(SAMPLE), *who, "--json"))
    bins = ("kept", "merged", "system", "media", "deleted", "unparsed")
    assert sum(report[name] for name in bins) == len(SAMPLE.read_text("utf-8").splitlines())
    assert report["unparsed"] == 0
    trained = json.loads(succeeded(home, "train", "maya", "--json"))
    measured = trained["evaluation"]
    assert measured["held_out_loss_after"] < measured["held_out_loss_before"]
    assert json.loads(succeeded(home, "publish", "maya", "--json"))["version"] == 1
    return home


class Up:
    """A running `understudy up`."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.home = home
        self.said = home.parent / "up.txt"
        with self.said.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "understudy", "up", "--port", str(self.port)],
                cwd=home.parent, env=environment(home), stdin=subprocess.DEVNULL,
                stdout=out, stderr=out,
            )  # fmt: skip

    def wait_for(self, sentence: str, times: int = 1) -> None:
        due = time.monotonic() + STEP_TIMEOUT_S
        while self.said.read_text("utf-8").count(sentence) < times:
            assert self.process.poll() is None, self.said.read_text("utf-8")
            assert time.monotonic() < due, self.said.read_text("utf-8")
            time.sleep(0.2)

    def admin(self, path: str, body: dict[str, int]) -> httpx.Response:
        key = Home(self.home).key("admin")
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.post(f"{self.url}{path}", json=body, headers=headers, timeout=60)


@pytest.fixture(scope="module")
def up(home: Path) -> Iterator[Up]:
    running = Up(home)
    try:
        running.wait_for("up; stop with Ctrl-C")
        yield running
    finally:
        running.process.terminate()
        running.process.wait(60)


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


def test_a_persona_answers_and_the_bare_base_does_too(up: Up, home: Path) -> None:
    assert succeeded(home, "chat", "--once", "Are you home yet?").strip()
    answer = httpx.post(
        f"{up.url}/v1/chat/completions",
        json={"model": "base", "messages": [{"role": "user", "content": "Hi!"}], "max_tokens": 20},
        headers={"Authorization": f"Bearer {Home(home).key('inference')}"},
        timeout=60,
    )
    assert answer.status_code == 200
    assert answer.headers["X-Understudy-Version"] == "base"


def test_who_is_not_there_is_named_in_one_sentence(up: Up, home: Path) -> None:
    done = understudy(home, "chat", "--persona", "nobody", "--once", "Hello?")
    assert done.returncode == 1
    assert "I can be: maya" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_new_version_is_adopted_and_the_command_line_rolls_it_back(up: Up, home: Path) -> None:
    registry = Registry(home / "registry")
    first = registry.manifest("maya", 1)
    assert registry.publish(registry.path("maya", 1), first) == 2
    assert registry.current("maya") == 1
    adopted = up.admin("/admin/personas/maya/reload", {})
    assert adopted.status_code == 200, adopted.text
    assert (adopted.json()["version"], registry.current("maya")) == (2, 2)
    back = json.loads(succeeded(home, "rollback", "maya", "--json"))
    assert back == {"persona": "maya", "version": 1, "previous": 2}
    assert registry.current("maya") == 1


def test_doctor_finds_the_running_server(up: Up, home: Path) -> None:
    findings = {f["what"]: f for f in json.loads(succeeded(home, "doctor", "--json"))}
    assert findings["inference"]["found"] == f"answers at {up.url}"
    assert findings["personas"]["found"] == "maya"


def test_a_second_up_says_that_one_runs(up: Up, home: Path) -> None:
    done = understudy(home, "up")
    assert done.returncode == 1
    assert f"process {up.process.pid}" in done.stderr


def test_a_killed_model_server_comes_back_and_it_is_said(up: Up, home: Path) -> None:
    live = Home(home).live("inference")
    assert live is not None
    engine = children(live["pid"])
    assert engine
    os.kill(live["pid"], signal.SIGKILL)
    up.wait_for("was killed by signal 9; starting it again")
    assert not [pid for pid in engine if Path(f"/proc/{pid}/exe").exists()]
    up.wait_for("ready at", times=2)
    assert succeeded(home, "chat", "--once", "Are you there again?").strip()


def test_sigterm_stops_everything_cleanly(up: Up, home: Path) -> None:
    up.process.terminate()
    assert up.process.wait(60) == 0
    assert up.said.read_text("utf-8").endswith("understudy stopped\n")
    assert [Home(home).live(name) for name in ("up", "inference", "redis")] == [None] * 3
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{up.url}/health")
    assert not list((home / "run").glob("*.sock"))
