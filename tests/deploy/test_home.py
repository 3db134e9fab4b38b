"""`$UNDERSTUDY_HOME`: keys made once, and how processes find each other."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploy.local.home import Home, HomeError


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    home = Home(tmp_path / "state")
    key = home.key("inference")
    assert len(key) >= 40
    assert Home(tmp_path / "state").key("inference") == key != home.key("admin")
    assert stat.S_IMODE((tmp_path / "state/keys/inference").stat().st_mode) == 0o600


def test_processes_that_ask_at_once_get_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: Home(tmp_path).key("admin"), range(32)))
    assert len(keys) == 1
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == ["admin"]


def test_an_announcement_lasts_as_long_as_its_process(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with home.announced("inference", url="http://127.0.0.1:1"):
        assert home.live("inference") == {"url": "http://127.0.0.1:1", "pid": os.getpid()}
        assert stat.S_IMODE((tmp_path / "run/inference.json").stat().st_mode) == 0o600
    assert home.live("inference") is None

    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / "run/inference.json").write_text(f'{{"url": "x", "pid": {gone.pid}}}')
    assert home.live("inference") is None


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"pid": "x"}', '{"url": 1}'])
def test_a_broken_announcement_is_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/inference.json").write_text(text)
    assert Home(tmp_path).live("inference") is None


def test_a_state_folder_that_is_a_file_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeError, match="point UNDERSTUDY_HOME at a folder of yours"):
        Home(tmp_path / "file").key("admin")
