"""The one server that the slow tests share, as its start (tens of seconds) is what they wait for.

A test may end the server; the next one that asks for it finds it running again.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.inference_server import made
from tests.inference_server.stage import Stage, foreign_base


@pytest.fixture(scope="session")
def built_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Maya has two versions, Ivy's current one does not fit the base, Zoe has none."""
    stage = Stage(tmp_path_factory.mktemp("stage"))
    other = foreign_base(stage.folder / "other-base", stage.base)
    for persona in ("maya", "maya", "tom", "ivy"):
        stage.publish(persona)
    stage.publish("ivy", base=other)
    stage.registry.set_current("ivy", 2)
    made.make_card(stage.registry, "zoe")
    stage.server.start()
    try:
        stage.ready = stage.server.wait_until_ready()
        yield stage
    finally:
        stage.server.kill()


@pytest.fixture
def stage(built_stage: Stage) -> Stage:
    server = built_stage.server
    assert server.process is not None
    if server.process.poll() is not None:
        server.kill()
        server.start()
        built_stage.ready = server.wait_until_ready()
    return built_stage
