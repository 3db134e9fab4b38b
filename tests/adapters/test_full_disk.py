"""A full disk leaves the old dataset whole, says so, and once there is room it goes on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adapters.test_interrupted import talk

ROOM_KIB = (0, 8, 24, 64, 100, 140, 180, 220, 260, 300, 340, 380, 450, 550, 700, 1000, 2000)
OWN_DISK = ["unshare", "--user", "--map-root-user", "--mount"]
"""A mount that ends with the process, and needs no rights."""
GOING_ON = "going on where it stopped: 1,650 messages are there already"
FILLED = """
import json, os, subprocess, sys
from pathlib import Path
from adapters.dataset import store
from adapters.errors import NotWritable
from adapters.imports import import_chat

home, small, large, *rooms = sys.argv[1:]
def mount(*how):
    subprocess.run(["mount", "-t", "tmpfs", *how, "tmpfs", home], check=True)
def imported(path, tell):
    return import_chat("whatsapp", Path(path), "maya", ["Maya"], Path(home), tell=tell)
def dataset():
    folder = store.folder(Path(home), "maya")
    return {file.name: file.read_bytes() for file in folder.iterdir()}

mount("-o", "size=64m")
imported(small, print)
disk = os.statvfs(home)
used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
before, found = dataset(), []
for room in rooms:
    mount("-o", f"remount,size={used + int(room) * 1024}")
    told = []
    try:
        report = imported(large, told.append)
    except NotWritable as error:
        left = [path.name for path in (Path(home) / "datasets").glob(".maya.new-*")]
        found.append([str(error), told, left, dataset() == before])
    else:
        found.append(["", told, [], report.digest])
        break
mount("-o", "remount,size=64m")
found.append(imported(large, print).digest)
print(json.dumps(found), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def own_disk() -> list[str]:
    try:
        subprocess.run([*OWN_DISK, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this system lets nobody mount a small disk of their own (unshare)")
    return OWN_DISK


def test_wherever_the_disk_gets_full_the_old_dataset_stays(
    export: Callable[..., Path], tmp_path: Path, own_disk: list[str]
) -> None:
    lines = talk()
    small, large = export(*lines[:200], name="small.txt"), export(*lines, name="large.txt")
    home = tmp_path / "home"
    home.mkdir()
    paths, rooms = map(str, (home, small, large)), map(str, ROOM_KIB)
    done = subprocess.run(
        [*own_disk, sys.executable, "-c", FILLED, *paths, *rooms],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *failed, whole, again = json.loads(done.stderr)
    assert len(failed) > 5
    for sentence, told, left, stays in failed:
        assert told in ([], [GOING_ON])
        assert sentence.startswith(f"can't write to {home}")
        assert sentence.endswith(": the disk is full; free some space and run it again")
        assert (left, stays) == ([], True)
    assert whole[1] == [GOING_ON]
    assert whole[3] == again
