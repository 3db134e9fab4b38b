"""A registry at a URL: what its mirror survives, refuses and never says."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.manifest import ADAPTER_WEIGHTS, MANIFEST, Card
from adapters.registry import (
    BrokenEntry,
    NotWritable,
    Registry,
    RegistryError,
    UnknownVersion,
    Unreachable,
    mirror,
    remote,
)
from adapters.registry.mirror import Mirror
from adapters.registry.remote import Remote
from tests.adapters.versions import prepare, publish
from tests.object_store import SECRET, ObjectStore

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def registry(bucket: str, tmp_path: Path) -> Registry:
    return Registry.at(f"s3://{bucket}", tmp_path / "cache")


def key(version: int, file: str) -> str:
    return f"personas/maya/versions/{version}/{file}"


def rewrite_manifest(store: ObjectStore, bucket: str, registry: Registry, **fields: object) -> None:
    """Change the first version's manifest at the store, behind everybody's back."""
    manifest = json.loads(registry.manifest("maya", 1).model_dump_json())
    store.put(bucket, key(1, MANIFEST), json.dumps({**manifest, **fields}).encode())
    registry.refresh()


def test_out_of_reach_the_mirror_stays_and_a_new_process_reads_it(
    store: ObjectStore, bucket: str, registry: Registry, tmp_path: Path
) -> None:
    publish(registry, tmp_path / "run")
    registry.fetch("maya", 1)
    store.stop()
    restarted = Registry.at(f"s3://{bucket}", tmp_path / "cache")
    for found in (registry, restarted):
        with pytest.raises(Unreachable, match=f"s3://{bucket} can't be reached: no connection"):
            found.refresh()
        assert (found.names(), found.current("maya")) == (["maya"], 1)
        assert (found.fetch("maya", 1) / ADAPTER_WEIGHTS).read_bytes() == b"weights"
        with pytest.raises(Unreachable):
            found.set_current("maya", 1)
        with pytest.raises(Unreachable):
            found.save_card(Card(name="maya", display_name="Else"))
        assert found.card("maya").display_name == "Maya"
    store.start()
    restarted.refresh()
    assert restarted.current("maya") == 1


def test_a_server_that_says_nothing_is_unreachable_within_the_limit(
    monkeypatch: pytest.MonkeyPatch, store: ObjectStore, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(remote, "LOOK_SECONDS", 1)
        with pytest.raises(Unreachable, match="no answer in time"):
            Registry.at("s3://voices", tmp_path).refresh()


def test_a_bucket_that_is_not_there_is_unreachable_and_not_empty(
    store: ObjectStore, tmp_path: Path
) -> None:
    with pytest.raises(Unreachable, match="there is no such bucket"):
        Registry.at("s3://nobody-has-this-one", tmp_path).refresh()


def test_only_what_changed_is_read_again(
    store: ObjectStore, bucket: str, registry: Registry, tmp_path: Path
) -> None:
    publish(registry, tmp_path / "run")
    read: list[str] = []

    class Counted(Remote):
        def read(self, key: str) -> bytes | None:
            read.append(key)
            return super().read(key)

    counted = Mirror(Counted(f"s3://{bucket}"), tmp_path / "counted")
    counted.refresh()
    assert len(read) == 3
    counted.refresh()
    assert len(read) == 3
    registry.save_card(Card(name="maya", display_name="Mayo"))
    counted.refresh()
    assert read[3:] == ["personas/maya/persona.toml"]


def test_what_another_process_wrote_into_the_mirror_is_mended(
    registry: Registry, tmp_path: Path
) -> None:
    publish(registry, tmp_path / "run")
    (registry.root / "personas" / "maya" / "current").write_text("7\n")
    registry.refresh()
    assert registry.current("maya") == 1


def test_what_was_withdrawn_leaves_the_mirror(
    store: ObjectStore, bucket: str, registry: Registry, tmp_path: Path
) -> None:
    for content in (b"one", b"two"):
        publish(registry, tmp_path / "run", content=content)
    publish(registry, tmp_path / "run", "tom")
    folder = registry.fetch("maya", 2)
    store.delete(bucket, key(2, MANIFEST), key(2, ADAPTER_WEIGHTS))
    registry.refresh()
    assert registry.versions("maya") == [1]
    assert not folder.exists()
    with pytest.raises(UnknownVersion):
        registry.fetch("maya", 2)
    store.delete(bucket, *(k for k in store.keys(bucket) if k.startswith("personas/maya/")))
    registry.refresh()
    assert registry.names() == ["tom"]
    assert registry.current("maya") is None


def test_a_number_that_was_withdrawn_is_not_given_again(
    store: ObjectStore, bucket: str, registry: Registry, tmp_path: Path
) -> None:
    publish(registry, tmp_path / "run")
    publish(registry, tmp_path / "run", content=b"two")
    store.delete(bucket, key(2, MANIFEST))
    assert publish(registry, tmp_path / "run", content=b"three") == 3


def test_bytes_that_were_changed_after_publishing_are_refused_and_leave_nothing(
    store: ObjectStore, bucket: str, registry: Registry, tmp_path: Path
) -> None:
    publish(registry, tmp_path / "run")
    store.put(bucket, key(1, ADAPTER_WEIGHTS), b"WEIGHTS")
    with pytest.raises(BrokenEntry, match=r"adapter_model\.safetensors of maya@1 is not the file"):
        registry.fetch("maya", 1)
    left = {path.name for path in registry.root.rglob("*") if path.is_file()}
    assert ADAPTER_WEIGHTS not in left
    assert not list((registry.root / "incoming").iterdir())
    store.put(bucket, key(1, ADAPTER_WEIGHTS), b"weights")
    assert (registry.fetch("maya", 1) / ADAPTER_WEIGHTS).read_bytes() == b"weights"


def test_a_file_that_was_spoiled_in_the_mirror_is_fetched_again(
    registry: Registry, tmp_path: Path
) -> None:
    publish(registry, tmp_path / "run")
    weights = registry.fetch("maya", 1) / ADAPTER_WEIGHTS
    weights.write_bytes(b"spoiled")
    assert (registry.fetch("maya", 1) / ADAPTER_WEIGHTS).read_bytes() == b"weights"


def test_a_file_of_many_chunks_arrives_whole(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = os.urandom(100_001)
    publish(registry, tmp_path / "run", content=content)
    monkeypatch.setattr(remote, "CHUNK_BYTES", 1000)
    assert (registry.fetch("maya", 1) / ADAPTER_WEIGHTS).read_bytes() == content


HOSTILE = (
    "../../../../evil", "/tmp/evil", "a/b", "..", ".hidden", "a\0b", "", "ä", MANIFEST, "a" * 129,
)  # fmt: skip


def test_a_manifest_s_hostile_file_name_is_refused_before_anything_is_fetched(
    store: ObjectStore, bucket: str, registry: Registry, tmp_path: Path
) -> None:
    publish(registry, tmp_path / "run")
    files = registry.manifest("maya", 1).files
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    for name in HOSTILE:
        rewrite_manifest(store, bucket, registry, files={**files, name: "0" * 64})
        with pytest.raises(BrokenEntry, match="which is no plain file"):
            registry.fetch("maya", 1)
        assert {path for path in tmp_path.rglob("*") if path.is_file()} == before


def test_hostile_keys_of_the_store_reach_no_path(
    store: ObjectStore, bucket: str, registry: Registry, tmp_path: Path
) -> None:
    for hostile in (
        "personas/../../evil/persona.toml",
        "personas/Maya/persona.toml",
        "personas/base/persona.toml",
        "personas/maya/versions/01/manifest.json",
        "personas/maya/versions/../manifest.json",
        "personas/maya/evil.py",
        "current",
    ):
        store.put(bucket, hostile, b'display_name = "x"')
    registry.refresh()
    assert registry.names() == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_missing_file_and_one_that_is_too_large_are_sentences(
    store: ObjectStore,
    bucket: str,
    registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publish(registry, tmp_path / "run")
    monkeypatch.setattr(mirror, "MAX_FILE_BYTES", 6)
    with pytest.raises(BrokenEntry, match="is larger than"):
        registry.fetch("maya", 1)
    store.delete(bucket, key(1, ADAPTER_WEIGHTS))
    with pytest.raises(BrokenEntry, match="is missing in the registry"):
        registry.fetch("maya", 1)


def test_no_more_is_taken_than_the_store_said_there_is(
    store: ObjectStore, bucket: str, registry: Registry, tmp_path: Path
) -> None:
    class Lying(Remote):
        def size(self, key: str) -> int | None:
            return 3

    publish(registry, tmp_path / "run")
    lied_to = Mirror(Lying(f"s3://{bucket}"), tmp_path / "lied-to")
    lied_to.refresh()
    with pytest.raises(BrokenEntry, match="is not the file that its manifest names"):
        lied_to.fetch("maya", 1)


def test_an_entry_that_is_too_large_breaks_its_own_persona_only(
    store: ObjectStore,
    bucket: str,
    registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mirror, "MAX_BYTES", 2000)
    publish(registry, tmp_path / "run")
    publish(registry, tmp_path / "run", "tom")
    store.put(bucket, key(1, MANIFEST), b" " * 2001)
    registry.refresh()
    with pytest.raises(BrokenEntry):
        registry.manifest("maya", 1)
    assert registry.manifest("tom", 1).persona == "tom"


def test_a_publisher_that_dies_before_the_manifest_leaves_no_version(
    store: ObjectStore, bucket: str, registry: Registry, tmp_path: Path
) -> None:
    class Dying(Remote):
        def write(self, key: str, content: bytes) -> None:
            raise KeyboardInterrupt

    manifest = prepare(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        Mirror(Dying(f"s3://{bucket}"), tmp_path / "dying").publish(tmp_path / "run", manifest)
    assert key(1, ADAPTER_WEIGHTS) in store.keys(bucket)
    registry.refresh()
    assert registry.versions("maya") == []
    assert publish(registry, tmp_path / "run") == 2
    assert registry.current("maya") == 2


def test_processes_that_publish_at_once_get_a_number_each(
    store: ObjectStore, bucket: str, registry: Registry, tmp_path: Path
) -> None:
    program = (
        "import sys; from pathlib import Path; from adapters.registry import Registry;"
        "from tests.adapters.versions import publish;"
        "registry = Registry.at(sys.argv[1], Path(sys.argv[2]) / 'cache');"
        "print([publish(registry, Path(sys.argv[2])) for _ in range(4)])"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, f"s3://{bucket}", str(tmp_path / name)],
            cwd=PROJECT, env={**os.environ, **store.environment}, stdout=subprocess.PIPE,
        )
        for name in ("one", "two")
    ]  # fmt: skip
    numbers = [json.loads(process.communicate(timeout=120)[0]) for process in running]
    assert sorted(numbers[0] + numbers[1]) == [1, 2, 3, 4, 5, 6, 7, 8]
    registry.refresh()
    assert registry.versions("maya") == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_folder_elsewhere_that_is_read_only_says_so(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    registry = Registry.at(f"local://{tmp_path / 'there'}", tmp_path / "cache")
    (tmp_path / "there" / "personas").write_text("a file where a folder should be")
    with pytest.raises((NotWritable, Unreachable)):
        registry.save_card(Card(name="maya", display_name="Maya"))


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        (f"s3://key:{SECRET}@voices/x", "holds no credentials; put them into AWS_ACCESS_KEY_ID"),
        (f"s3://key:{SECRET}/and@voices/x", "holds no credentials"),
        (f"nonsense://key:{SECRET}@voices/x", "nonsense:// is not known; use a folder"),
        ("s3://", "names no bucket"),
        (f"sftp://key:{SECRET}@127.0.0.1/x", "install paramiko"),
        (f"http://key:{SECRET}@127.0.0.1:9/x?token={SECRET}", "can't be reached"),
        (f"ftp://key:{SECRET}@127.0.0.1:9/x", "can't be reached"),
    ],
)
def test_what_is_wrong_with_a_url_is_a_sentence_without_its_credentials(
    tmp_path: Path, url: str, sentence: str
) -> None:
    with pytest.raises(RegistryError) as raised:
        Registry.at(url, tmp_path).refresh()
    assert sentence in str(raised.value)
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None


def test_the_endpoint_s_own_credentials_are_not_said_either(
    monkeypatch: pytest.MonkeyPatch, store: ObjectStore, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://user:{SECRET}@127.0.0.1:9")
    with pytest.raises(Unreachable) as raised:
        Registry.at("s3://voices", tmp_path).refresh()
    assert SECRET not in str(raised.value)


def test_importing_the_registry_imports_no_object_store() -> None:
    program = (
        "import sys, adapters.registry;"
        "print(sorted({'fsspec', 's3fs', 'botocore', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
