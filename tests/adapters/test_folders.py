"""Folders appear whole, and a killed replacement leaves the old one."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.errors import NotWritable, writing
from adapters.folders import Taken, locked, replaced, settle


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "maya"
    for text in ("one", "two"):
        with replaced(target) as fresh:
            (fresh / text).write_text(text)
    assert [p.name for p in target.iterdir()] == ["two"]
    assert [p.name for p in tmp_path.iterdir() if p.is_dir()] == ["maya"]


def test_an_interruption_leaves_the_old_folder_and_no_rest(tmp_path: Path) -> None:
    target = tmp_path / "maya"
    with replaced(target) as fresh:
        (fresh / "old").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        _interrupted(target)
    assert [p.name for p in target.iterdir()] == ["old"]
    assert [p.name for p in tmp_path.iterdir() if p.is_dir()] == ["maya"]


def test_a_kill_between_the_renames_is_settled(tmp_path: Path) -> None:
    target = tmp_path / "maya"
    with replaced(target) as fresh:
        (fresh / "old").write_text("old")
    target.rename(tmp_path / ".maya.old")
    assert (settle(target) / "old").read_text() == "old"
    with replaced(target) as fresh:
        (fresh / "new").write_text("new")
    assert [p.name for p in target.iterdir()] == ["new"]


def test_a_lock_is_held_once(tmp_path: Path) -> None:
    target = tmp_path / "maya"
    with locked(target, wait=False, purpose="training"):
        with pytest.raises(Taken), locked(target, wait=False, purpose="training"):
            pass
        with locked(target, wait=False, purpose="swap"):
            pass
    with locked(target, wait=False, purpose="training"):
        pass


def test_a_full_disk_gets_a_sentence() -> None:
    with pytest.raises(NotWritable, match="disk is full; free some space"), writing(Path("here")):
        Path("/dev/full").write_text("x")


def _interrupted(target: Path) -> None:
    with replaced(target) as fresh:
        (fresh / "half").write_text("half")
        raise KeyboardInterrupt


def test_what_a_killed_process_left_is_removed_and_what_another_writes_is_not(
    tmp_path: Path,
) -> None:
    left = tmp_path / ".maya.new-left"
    left.mkdir()
    with replaced(tmp_path / "maya") as first, replaced(tmp_path / "maya") as second:
        assert not left.exists()
        assert first.exists()
        assert second.exists()
