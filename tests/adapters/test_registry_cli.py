"""The commands that use a registry, with one in an object store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.dataset.store import load as load_dataset
from adapters.imports import import_chat
from tests.adapters.conftest import long_chat
from tests.adapters.test_publish import leave_run
from tests.object_store import SECRET, ObjectStore, object_store
from tests.test_front_door import understudy


@pytest.fixture
def store() -> Iterator[ObjectStore]:
    with object_store() as store:
        yield store


def test_publish_personas_and_rollback_work_in_an_object_store(
    store: ObjectStore, export: Callable[..., Path], tmp_path: Path
) -> None:
    home, bucket = tmp_path / "home", store.bucket()
    environment = {**store.environment, "REGISTRY_URL": f"s3://{bucket}"}
    report = import_chat("whatsapp", export(*long_chat()), "maya", ["Maya"], home, consent=True)

    def run(*arguments: str, home: Path = home) -> Any:
        done = understudy(
            *arguments, "--json", cwd=tmp_path, **{**environment, "UNDERSTUDY_HOME": str(home)}
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    leave_run(home, report)
    published = run("publish", "maya")
    assert (published["version"], published["new"], published["current"]) == (1, True, 1)
    leave_run(home, load_dataset(home, "maya").report, value=2.0)
    assert run("publish", "maya")["version"] == 2
    assert run("publish", "maya")["new"] is False
    store.put(bucket, "personas/maya/current", b"2\n")
    (listed,) = run("personas", home=tmp_path / "another-home")
    assert (listed["name"], listed["current"], listed["versions"]) == ("maya", 2, [1, 2])
    assert run("rollback", "maya") == {"persona": "maya", "version": 1, "previous": 2}
    assert store.client.get_object(Bucket=bucket, Key="personas/maya/current")["Body"].read() == (
        b"1\n"
    )


def test_out_of_reach_it_is_one_sentence(store: ObjectStore, tmp_path: Path) -> None:
    store.stop()
    environment = {**store.environment, "REGISTRY_URL": "s3://voices"}
    done = understudy("personas", cwd=tmp_path, **environment)
    assert done.returncode == 1
    assert done.stderr.strip() == "the registry s3://voices can't be reached: no connection"
    assert SECRET not in done.stdout + done.stderr
