"""Imports that fail, are killed, or meet: a sentence, and the dataset before them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adapters.dataset import store
from adapters.dataset.era import Era
from adapters.errors import AdaptersError, BadRequest, NotWritable
from adapters.imports import import_chat
from tests.adapters.conftest import long_chat

Export = Callable[..., Path]


KILLED = """
import os, signal, sys
from pathlib import Path
from adapters.dataset import scratch, store
from adapters.imports import import_chat
module, kind, method = sys.argv[1].split(".")
def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)
setattr(getattr({"scratch": scratch, "store": store}[module], kind), method, kill)
import_chat("whatsapp", Path(sys.argv[2]), "maya", ["Tom"], Path(sys.argv[3]))
"""


def test_a_failed_import_leaves_the_dataset_before_it(export: Export, tmp_path: Path) -> None:
    import_chat("whatsapp", export(*long_chat()), "maya", ["Maya"], tmp_path)
    before = store.load(tmp_path, "maya")
    with pytest.raises(AdaptersError):
        import_chat("whatsapp", export("nothing"), "maya", ["Maya"], tmp_path)
    assert store.load(tmp_path, "maya") == before


def test_two_imports_at_once_leave_one_of_them_whole(export: Export, tmp_path: Path) -> None:
    path = export(*long_chat())
    with ThreadPoolExecutor(4) as pool:
        runs = [
            pool.submit(import_chat, "whatsapp", path, "maya", [who], tmp_path)
            for who in ("Maya", "Tom") * 6
        ]
        digests = {run.result().digest for run in runs}
    dataset = store.load(tmp_path, "maya")
    assert len(digests) == 2
    assert dataset.report.digest in digests
    assert len(dataset.train) == dataset.report.examples
    assert [p.name for p in (tmp_path / "datasets").iterdir() if p.is_dir()] == ["maya"]


def test_a_killed_import_leaves_the_dataset_before_it_and_no_scratch(
    export: Export, tmp_path: Path
) -> None:
    before = import_chat("whatsapp", export(*long_chat()), "maya", ["Maya"], tmp_path)
    path = export(*long_chat(), name="again.txt")
    for after in ("scratch.Scratch.arrange", "store.Rows.digest", "store.Rows.describe"):
        done = subprocess.run(
            [sys.executable, "-c", KILLED, after, str(path), str(tmp_path)],
            cwd=Path(__file__).parents[2], check=False,
        )  # fmt: skip
        assert done.returncode == -signal.SIGKILL
        assert store.load(tmp_path, "maya").report == before
        assert not list((tmp_path / "datasets").glob(".import-*"))


def test_a_home_that_cannot_be_a_folder_gets_a_sentence(export: Export, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    with pytest.raises(NotWritable, match="UNDERSTUDY_HOME"):
        import_chat("whatsapp", export(*long_chat()), "maya", ["Maya"], tmp_path / "home")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_without_write_permission_gets_a_sentence(export: Export, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    with pytest.raises(NotWritable, match="permissions"):
        import_chat("whatsapp", export(*long_chat()), "maya", ["Maya"], home)


def test_a_dataset_that_is_not_there_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(AdaptersError, match="understudy import whatsapp FILE --persona maya"):
        store.load(tmp_path, "maya")


def test_an_import_of_nothing_leaves_the_dataset_before(export: Export, tmp_path: Path) -> None:
    path = export(*long_chat())
    before = import_chat("whatsapp", path, "maya", ["Maya"], tmp_path)
    with pytest.raises(BadRequest, match=r"\(300 outside of the time .* rows stays as it was"):
        import_chat("whatsapp", path, "maya", ["Maya"], tmp_path, era=Era.of("2031", None))
    assert store.report(tmp_path, "maya") == before
    empty = import_chat("whatsapp", path, "new", ["Maya"], tmp_path, era=Era.of("2031", None))
    assert (empty.examples, empty.held_out) == (0, 0)


def test_many_lines_that_nobody_understands_are_worth_a_word(
    export: Export, tmp_path: Path
) -> None:
    path = export(*(f"{day}/06/2020, 10:00 - Tom: day {day}" for day in range(1, 29)))
    few = import_chat("whatsapp", path, "tom", ["Tom"], tmp_path)
    many = import_chat("whatsapp", path, "tom", ["Tom"], tmp_path, date_order="mdy")
    assert not any("were not understood" in note for note in few.notes)
    assert any("16 of 28 lines were not understood" in note for note in many.notes)
