"""The contract of every registry: a folder, an object store, fsspec's memory, folders elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest

from adapters.manifest import ADAPTER_WEIGHTS, MANIFEST, Card
from adapters.registry import (
    BadName,
    BrokenEntry,
    Registry,
    RegistryError,
    UnknownPersona,
    UnknownVersion,
    Unreachable,
)
from tests.adapters.versions import prepare, publish
from tests.object_store import ObjectStore, object_store

Opening = Callable[[], Registry]


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    with object_store() as store:
        yield store


@pytest.fixture(params=["folder", "local", "memory", "s3"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(kind: str, tmp_path: Path, store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "there").mkdir()
    match kind:
        case "folder":
            return str(tmp_path / "there")
        case "local":
            return f"local://{tmp_path / 'there'}"
        case "memory":
            name = f"memory://{uuid4().hex}"
            fsspec.filesystem("memory").mkdir(name)
            return name
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    return f"s3://{store.bucket()}/of/ours"


@pytest.fixture
def another(url: str, tmp_path: Path) -> Opening:
    """Opens the same registry as another machine would, with a cache of its own."""
    return lambda: Registry.at(url, tmp_path / f"cache-{uuid4().hex}")


@pytest.fixture
def registry(another: Opening) -> Registry:
    return another()


def test_a_new_registry_is_empty(registry: Registry) -> None:
    registry.refresh()
    assert registry.names() == []
    with pytest.raises(UnknownPersona, match="there is no persona 'maya' yet"):
        registry.card("maya")


def test_what_one_publishes_another_reads_and_fetches(
    registry: Registry, another: Opening, tmp_path: Path
) -> None:
    assert publish(registry, tmp_path / "run", content=b"one") == 1
    other = another()
    other.refresh()
    assert other.names() == ["maya"]
    assert other.card("maya") == registry.card("maya")
    assert (other.versions("maya"), other.current("maya")) == ([1], 1)
    assert other.manifest("maya", 1) == registry.manifest("maya", 1)
    folder = other.fetch("maya", 1)
    assert folder == other.path("maya", 1)
    assert (folder / ADAPTER_WEIGHTS).read_bytes() == b"one"
    assert {path.name for path in folder.iterdir()} == {*other.manifest("maya", 1).files, MANIFEST}


def test_later_versions_wait_until_current_is_set(
    registry: Registry, another: Opening, tmp_path: Path
) -> None:
    assert [publish(registry, tmp_path / "run", content=b"%d" % n) for n in range(3)] == [1, 2, 3]
    other = another()
    other.refresh()
    assert (other.versions("maya"), other.current("maya")) == ([1, 2, 3], 1)
    other.set_current("maya", 3)
    assert other.current("maya") == 3
    registry.refresh()
    assert registry.current("maya") == 3
    with pytest.raises(UnknownVersion, match="maya has no version 9; it has: 1, 2, 3"):
        registry.set_current("maya", 9)


def test_a_changed_card_is_seen_at_the_next_look(registry: Registry, another: Opening) -> None:
    registry.save_card(Card(name="maya", display_name="Maya"))
    other = another()
    other.refresh()
    registry.save_card(Card(name="maya", display_name="Mayo"))
    other.refresh()
    assert other.card("maya").display_name == "Mayo"


def test_a_version_that_broke_off_before_its_manifest_is_none(
    registry: Registry, tmp_path: Path
) -> None:
    manifest = prepare(tmp_path / "run")
    (tmp_path / "run" / ADAPTER_WEIGHTS).unlink()
    with pytest.raises(RegistryError):
        registry.publish(tmp_path / "run", manifest)
    assert registry.versions("maya") == []
    assert publish(registry, tmp_path / "run") == 1


@pytest.mark.parametrize("name", ["", "../x", "Maya", "base", "a" * 33, "a/b", "a\0"])
def test_no_hostile_name_reaches_a_path(registry: Registry, tmp_path: Path, name: str) -> None:
    manifest = prepare(tmp_path / "run").model_copy(update={"persona": name})
    for attempt in (
        lambda: registry.card(name),
        lambda: registry.fetch(name, 1),
        lambda: registry.set_current(name, 1),
        lambda: registry.publish(tmp_path / "run", manifest),
    ):
        with pytest.raises(BadName):
            attempt()


def test_a_broken_manifest_breaks_its_own_version_only(registry: Registry, tmp_path: Path) -> None:
    publish(registry, tmp_path / "run")
    publish(registry, tmp_path / "run", "tom")
    (registry.path("maya", 1) / MANIFEST).write_text("{")
    with pytest.raises(BrokenEntry, match="can't be read"):
        registry.manifest("maya", 1)
    assert registry.manifest("tom", 1).persona == "tom"


@pytest.mark.parametrize("kind", ["folder", "s3"], indirect=True)
def test_publishers_at_once_get_a_number_each(
    registry: Registry, another: Opening, tmp_path: Path
) -> None:
    publish(registry, tmp_path / "first")

    def run(number: int) -> int:
        return publish(another(), tmp_path / f"run-{number}", content=b"%d" % number)

    with ThreadPoolExecutor(6) as pool:
        numbers = list(pool.map(run, range(6)))
    assert sorted(numbers) == [2, 3, 4, 5, 6, 7]
    registry.refresh()
    assert registry.current("maya") == 1
    for run_number, version in enumerate(numbers):
        weights = registry.fetch("maya", version) / ADAPTER_WEIGHTS
        assert weights.read_bytes() == b"%d" % run_number


def test_a_folder_that_is_gone_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="can't be read: No such file"):
        Registry.at(str(tmp_path / "gone")).refresh()


def test_a_mark_of_withdrawn_consent_is_seen_by_every_reader(
    registry: Registry, another: Opening, tmp_path: Path
) -> None:
    for _ in range(2):
        publish(registry, tmp_path / "run")
    before = registry.sealed("maya", 2)
    assert registry.revoked("maya") == []
    registry.revoke("maya", 2, datetime(2026, 1, 2, tzinfo=UTC))
    for found in (registry, another()):
        found.refresh()
        assert found.revoked("maya") == [2]
        assert (found.versions("maya"), found.sealed("maya", 2)) == ([1, 2], before)
    with pytest.raises(UnknownVersion):
        registry.revoke("maya", 3, datetime.now(UTC))
