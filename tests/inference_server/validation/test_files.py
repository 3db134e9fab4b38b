"""A version is the plain files that its manifest names, with the promised bytes, and no other."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch

from adapters.manifest import ADAPTER_CONFIG, ADAPTER_WEIGHTS, MANIFEST
from inference_server.validation import MAX_ADAPTER_BYTES, MAX_FILES
from tests.inference_server.real_adapter import read, reseal

NAMES = [ADAPTER_WEIGHTS, ADAPTER_CONFIG]


def promise(folder: Path, *names: str) -> None:
    """Name more files in the manifest."""
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"].update(dict.fromkeys(names, "0" * 64))
    (folder / MANIFEST).write_text(json.dumps(manifest))


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_rejected(folder, refused, name):
    (folder / name).unlink()
    refused(f"{name} is missing")


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_differs_by_one_bit_is_rejected(folder, refused, name):
    raw = bytearray((folder / name).read_bytes())
    raw[-2] ^= 1
    (folder / name).write_bytes(raw)
    refused(f"{name} is not the published one")


def test_a_digest_that_is_none_is_rejected(folder, refused):
    manifest = json.loads((folder / MANIFEST).read_text())
    for digest in ("", "\0", manifest["files"][ADAPTER_WEIGHTS].upper()):
        manifest["files"][ADAPTER_WEIGHTS] = digest
        (folder / MANIFEST).write_text(json.dumps(manifest))
        refused("digest differs")


@pytest.mark.parametrize("name", ["adapter_model.bin", "adapter_model.pt", "x.pkl", "ADAPTER.BIN"])
def test_a_pickle_is_rejected_beside_the_weights_and_in_their_place(folder, refused, name):
    torch.save(read(folder), folder / name)
    refused(f"{name} could run code")
    (folder / ADAPTER_WEIGHTS).unlink()
    reseal(folder)
    refused(f"{name} could run code")


def test_a_pickle_that_calls_itself_safetensors_is_rejected(folder, refused):
    torch.save(read(folder), folder / ADAPTER_WEIGHTS)
    reseal(folder)
    refused("not a safetensors file")


def test_a_file_beside_the_published_ones_is_rejected(folder, refused):
    (folder / "notes.txt").write_text("hello")
    refused("notes.txt is not in the manifest")


@pytest.mark.parametrize("name", [*NAMES, MANIFEST])
def test_a_link_to_a_file_is_rejected(folder, refused, tmp_path, name):
    (folder / name).rename(tmp_path / "outside")
    (folder / name).symlink_to(tmp_path / "outside")
    refused(f"{name} is a symbolic link")


def test_a_link_to_nowhere_is_rejected(folder, refused):
    (folder / "more").symlink_to("/proc/self/mem/none")
    refused("more is a symbolic link")


@pytest.mark.parametrize("above", range(3), ids=["version", "versions", "persona"])
def test_a_link_in_place_of_a_folder_is_rejected(folder, refused, tmp_path, above):
    place = [folder, *folder.parents][above]
    place.rename(tmp_path / "outside")
    place.symlink_to(tmp_path / "outside")
    refused(f"{place.name} is a symbolic link")


def test_a_registry_that_is_reached_through_a_link_is_fine(folder, judge, registry, tmp_path):
    registry.root.rename(tmp_path / "elsewhere")
    registry.root.symlink_to(tmp_path / "elsewhere")
    judge()


def test_a_folder_is_no_file(folder, refused):
    (folder / "more").mkdir()
    refused("more is not a plain file")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.timeout(20)
def test_a_pipe_is_refused_and_not_waited_for(folder, refused, name):
    (folder / name).unlink()
    os.mkfifo(folder / name)
    refused(f"{name} is not a plain file")


def test_a_device_is_refused_and_not_read(folder, refused):
    (folder / ADAPTER_WEIGHTS).unlink()
    try:
        os.mknod(folder / ADAPTER_WEIGHTS, 0o20666, os.makedev(1, 5))  # /dev/zero: endless
    except PermissionError:
        pytest.skip("only root makes devices")
    refused("is not a plain file")


@pytest.mark.parametrize("name", [ADAPTER_WEIGHTS, "report.html"])
@pytest.mark.timeout(30)
def test_a_file_over_the_limit_is_refused_by_its_size_alone(folder, refused, name):
    """64 GiB of holes, which would take longer to read than the test may."""
    with (folder / name).open("wb") as file:
        file.truncate(32 * MAX_ADAPTER_BYTES)
    promise(folder, name)
    refused("larger than 2 GiB")


def test_more_files_than_a_version_has_are_rejected(folder, refused):
    for number in range(MAX_FILES):
        (folder / f"file-{number}").touch()
    refused(f"more than {MAX_FILES} files")


def test_a_manifest_of_more_files_than_a_version_has_is_rejected(folder, refused):
    promise(folder, *(f"file-{number}" for number in range(100_000)))
    refused(f"more than {MAX_FILES} files")


def test_files_that_may_not_be_read_are_rejected(folder, refused):
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    (folder / ADAPTER_WEIGHTS).chmod(0)
    refused("can't be read")


@pytest.mark.parametrize(
    "name",
    [
        "../../../secret", "/etc/hosts", "a\\b", "a\0b", "", ".", "..", ".hidden", "x" * 10_000,
        "adapter_model.safetensors\0.txt", "adapter_model.safetensors\n", "a b", "-rf", "a:b",
        "adapter_model.s\u0430fetensors",  # a Cyrillic а
        "\uff41dapter_model.safetensors",  # a full-width a
        "adapter_model\u202esrosnetefas.",  # from right to left
        "adapter_model.safetensors\u200b",
    ],
    ids=lambda name: repr(name)[:40],
)  # fmt: skip
def test_a_hostile_file_name_in_the_manifest_is_rejected(folder, refused, name):
    promise(folder, name)
    refused("can't be the name of a version's file")


@pytest.mark.parametrize("name", [b"\xff\xfe", "\u202e.html".encode(), b"a\nb", b"\x1b[2J"])
def test_a_hostile_file_name_on_the_disk_is_rejected(folder, refused, name):
    Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).touch()
    refused("can't be the name of a version's file")
