"""What lies where a small file should: each ends in a sentence, and none hangs the reader."""

from __future__ import annotations

import os

import pytest

from adapters.registry import BrokenEntry, Registry
from adapters.registry.reading import MAX_BYTES


@pytest.fixture
def registry(tmp_path) -> Registry:
    (tmp_path / "personas" / "maya" / "versions" / "1").mkdir(parents=True)
    return Registry(tmp_path)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("file", ["persona.toml", "current", "versions/1/manifest.json"])
@pytest.mark.parametrize("kind", ["pipe", "giant", "folder"])
def test_what_is_no_small_plain_file_is_a_broken_entry(registry, file, kind):
    path = registry.root / "personas" / "maya" / file
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.touch()
        os.truncate(path, MAX_BYTES + 1)
    read = {
        "persona.toml": lambda: registry.card("maya"),
        "current": lambda: registry.current("maya"),
        "versions/1/manifest.json": lambda: registry.manifest("maya", 1),
    }[file]
    with pytest.raises(BrokenEntry, match=r"can't be read: .*(plain file|larger|directory)"):
        read()
    if "manifest" in file:
        with pytest.raises(BrokenEntry):
            registry.sealed("maya", 1)


def test_a_giant_or_hostile_field_name_does_not_become_a_giant_sentence(registry):
    path = registry.root / "personas" / "maya" / "versions" / "1" / "manifest.json"
    path.write_text('{"files": {"\\u001b[31m\\n' + "x" * 100_000 + '": 3}}')
    with pytest.raises(BrokenEntry) as broken:
        registry.manifest("maya", 1)
    assert len(str(broken.value)) < 1000
    assert str(broken.value).isprintable()
