"""Who may look into the folders of a home."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters import exports
from adapters.folders import private
from adapters.imports import import_chat
from adapters.publish import publish
from adapters.questions.answers import remembered
from adapters.registry import Registry
from tests.adapters.conftest import long_chat
from tests.adapters.test_publish import leave_run

Export = Callable[..., Path]


@pytest.fixture
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("usual_umask")
def test_what_people_have_written_is_for_its_owner_alone(export: Export, tmp_path: Path) -> None:
    home = tmp_path / "home"
    for folder in ("datasets", "exports", "questions"):
        (home / folder).mkdir(parents=True)  # as they were made before
    report = import_chat("whatsapp", export(*long_chat()), "maya", ["Maya"], home, consent=True)
    exports.export(home, "maya", ["openai"])
    with remembered(home, "maya", "base"):
        pass
    modes = {path.name: path.stat().st_mode & 0o777 for path in home.iterdir() if path.is_dir()}
    assert modes == dict.fromkeys(("datasets", "exports", "keys", "questions"), 0o700)
    leave_run(home, report)
    publish(home, Registry(home / "registry"), "maya")
    served = [home, *(path for path in (home / "registry").rglob("*") if path.is_dir())]
    assert {path.stat().st_mode & 0o005 for path in served} == {0o005}  # by whoever serves it


@pytest.mark.usefixtures("usual_umask")
def test_an_export_elsewhere_leaves_that_folder_as_it_is(export: Export, tmp_path: Path) -> None:
    place = tmp_path / "shared"
    place.mkdir()
    import_chat("whatsapp", export(*long_chat()), "maya", ["Maya"], tmp_path, consent=True)
    exports.export(tmp_path, "maya", ["openai"], place=place)
    assert place.stat().st_mode & 0o777 == 0o755
    assert not (tmp_path / "exports").exists()


def test_a_folder_that_was_narrower_stays_so(tmp_path: Path) -> None:
    folder = tmp_path / "datasets"
    folder.mkdir(mode=0o500)
    private(folder)
    assert folder.stat().st_mode & 0o777 == 0o500
