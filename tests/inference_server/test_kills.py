"""`kill -9` at every step of a change: what serves after a restart is the old version or the new.

Two kills in every run, all of them in `make soak`. The server that was restarted after a kill is
the one that the next kill meets, so each costs one start.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from adapters.registry import Registry
from inference_server.part import Step
from tests.inference_server import made
from tests.inference_server.killed_at import (
    ALONE,
    COPY,
    CURRENT,
    MODULE,
    VERSION,
    WITH_ALL,
    set_trap,
)
from tests.inference_server.leftovers import family, left_of
from tests.inference_server.stage import Stage
from tests.vllm_server import PROJECT

VERSIONS = (1, 2, 3)


def around(*steps: Step) -> list[str]:
    return [f"{when} {step}" for step in steps for when in ("before", "after")]


OLD = [
    *around(Step.VALIDATE, Step.LOAD, Step.PROBE),
    f"before {Step.COMMIT}",
    f"before {CURRENT}",
]
"""Killed here, the server has not written the new version down."""
NEW = [
    f"after {CURRENT}",
    f"after {Step.COMMIT}",
    *around(Step.FLIP, Step.DRAIN, Step.RETIRE),
]
EVERY_RUN = [(f"before {CURRENT}", WITH_ALL), (f"before {Step.FLIP}", ALONE)]
KILLS = [
    *(
        pytest.param(point, who, marks=pytest.mark.slow, id=f"{point} in every run")
        for point, who in EVERY_RUN
    ),
    *(
        pytest.param(point, (ALONE, WITH_ALL)[number % 2], marks=pytest.mark.soak, id=point)
        for number, point in enumerate([*OLD, *NEW])
    ),
]


class Theatre(Stage):
    """A server that can be killed at any step, and what each version of maya says."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.server.module = MODULE
        self.said: dict[int, str] = {}
        for _ in VERSIONS:
            self.publish("maya")

    def open(self) -> None:
        self.server.start()
        self.server.wait_until_ready()
        for version in VERSIONS:
            assert self.reload("maya", version=version).status_code == 200
            self.said[version] = self.says("maya")
        assert len(set(self.said.values())) == len(VERSIONS)

    def set_the_scene(self) -> tuple[int, int]:
        """The version that serves, with another one loaded, and the third, which is not.

        So a change to the third goes through every step, and the other one is retired.
        """
        process = self.server.process
        if process is None or process.poll() is not None:
            self.server.kill()
            self.server.start()
            self.server.wait_until_ready()
        if len(self.loaded()) < 2:
            other = next(version for version in VERSIONS if version not in self.loaded())
            assert self.reload("maya", version=other).status_code == 200
        (new,) = set(VERSIONS) - self.loaded()
        return self.status("maya")["serving"], new

    def loaded(self) -> set[int]:
        return {entry["version"] for entry in self.status("maya")["loaded"]}

    def unfinished(self) -> list[str]:
        """Files that a writer left behind."""
        return [str(path) for path in (self.registry.root / "personas").rglob(".*")]


@pytest.fixture(scope="module")
def theatre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    theatre = Theatre(tmp_path_factory.mktemp("theatre"))
    try:
        theatre.open()
        yield theatre
    finally:
        theatre.server.kill()


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("point", "who"), KILLS)
def test_a_server_killed_in_a_change_serves_the_old_or_the_new_version_whole(theatre, point, who):
    old, new = theatre.set_the_scene()
    started, unfinished = family(theatre.server.process.pid), theatre.unfinished()
    set_trap(theatre.folder, point, who)
    with pytest.raises(httpx.TransportError):
        theatre.reload("maya", version=new)
    assert theatre.server.ended(timeout_s=60) == -signal.SIGKILL
    assert not left_of(started)

    expected = old if point in OLD else new
    current = theatre.registry.root / "personas" / "maya" / "current"
    assert re.fullmatch(r"\d+\n", current.read_text())
    assert theatre.registry.current("maya") == expected
    assert len(theatre.unfinished()) - len(unfinished) == (point == f"before {CURRENT}")

    theatre.server.start()
    assert theatre.server.wait_until_ready()["degraded"] == []
    answer = theatre.ask("maya")
    assert answer.headers["x-understudy-version"] == f"maya@{expected}"
    assert answer.json()["choices"][0]["message"]["content"] == theatre.said[expected]

    other = new if expected == old else old
    assert theatre.reload("maya", version=other).status_code == 200
    assert theatre.says("maya") == theatre.said[other]
    assert theatre.says(f"maya@{expected}") == theatre.said[expected]


@pytest.fixture
def publisher(tmp_path, base_folder, registry):
    """Publishes a version of maya from a process of its own; its exit status."""
    made.make_card(registry, "maya")

    def publish(source: str) -> int:
        return subprocess.run(
            [
                sys.executable, "-m", MODULE,
                "publish", registry.root, base_folder, tmp_path / source,
            ],
            env={"PATH": os.environ["PATH"], "UNDERSTUDY_HOME": str(tmp_path)},
            cwd=PROJECT, timeout=60, check=False, start_new_session=True,
        ).returncode  # fmt: skip

    return publish


@pytest.mark.parametrize("point", [f"after {COPY}", f"before {VERSION}"])
def test_a_publisher_killed_before_the_rename_leaves_no_version(
    publisher, registry, tmp_path, point
):
    set_trap(tmp_path, point)
    assert publisher("first") == -signal.SIGKILL
    assert (registry.versions("maya"), registry.current("maya")) == ([], None)
    assert publisher("second") == 0
    assert (registry.versions("maya"), registry.current("maya")) == ([1], 1)


@pytest.mark.parametrize("point", [f"after {VERSION}", f"before {CURRENT}", f"after {CURRENT}"])
def test_a_publisher_killed_after_the_rename_leaves_a_whole_version(
    publisher, registry, tmp_path, point
):
    set_trap(tmp_path, point)
    assert publisher("first") == -signal.SIGKILL
    assert registry.versions("maya") == [1]
    assert whole(registry, 1)
    assert registry.current("maya") == (1 if point == f"after {CURRENT}" else None)
    assert publisher("second") == 0
    assert registry.versions("maya") == [1, 2]
    assert whole(registry, 2)
    assert registry.current("maya") == (1 if point == f"after {CURRENT}" else 2)


def whole(registry: Registry, version: int) -> bool:
    folder = registry.path("maya", version)
    named = registry.manifest("maya", version).files
    return all(made.file_digest(folder / name) == digest for name, digest in named.items())
