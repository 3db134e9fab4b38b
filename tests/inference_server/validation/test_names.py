"""What is no persona's name never becomes part of a path."""

from __future__ import annotations

import shutil

import pytest
from pydantic import ValidationError

from adapters.manifest import Card, Manifest
from adapters.registry import BadName, checked
from inference_server.access import door_to

HOSTILE = [
    "", ".", "..", "../tom", "maya/../tom", "maya/", "/maya", "/etc/passwd", "maya\\tom",
    "maya\0", "\0", "maya\n", "maya ", " maya", "-maya", "Maya", "maya_1", "maya@2", "maya.",
    "m" * 33, "m" * 10_000, "base", "%2e%2e", "maya%00", "~", "$HOME", "*",
    "m\u0430ya",  # a Cyrillic а
    "\uff4d\uff41\uff59\uff41",  # full-width letters
    "maya\u0661", "maya\uff11",  # digits of other scripts
    "\u202emaya", "maya\u200f", "ma\u200bya", "maya\u0301", "\u0131", "\u017f", "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: repr(name)[:30])
def test_a_hostile_name_is_refused_before_any_path(folder, registry, tmp_path, name):
    """There is a persona to be reached by it, were it ever joined to a path."""
    shutil.copytree(folder, tmp_path / "tom" / "versions" / "1")
    for ask in (
        checked,
        registry.card,
        registry.versions,
        registry.current,
        lambda name: registry.path(name, 1),
        lambda name: registry.manifest(name, 1),
        lambda name: registry.set_current(name, 1),
    ):
        with pytest.raises(BadName) as refusal:
            ask(name)
        sentence = str(refusal.value)
        assert sentence.isprintable()
        assert len(sentence) < 400
        assert "use 1 to 32 of" in sentence or "choose another one" in sentence


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: repr(name)[:30])
def test_a_hostile_name_is_no_card_s_no_manifest_s_and_no_route_s(folder, registry, name):
    sound = registry.manifest("maya", 1).model_dump()
    if name != "base":  # reserved, yet well-formed: `checked` is who refuses it
        with pytest.raises(ValidationError):
            Card(name=name, display_name="Maya")
        with pytest.raises(ValidationError):
            Manifest.model_validate({**sound, "persona": name})
        assert door_to("PUT", f"/admin/personas/{name}") is None
        assert door_to("GET", f"/admin/personas/{name}/versions") is None


@pytest.mark.parametrize("name", ["maya", "0", "m" * 32, "maya-2"])
def test_a_name_is_a_name(name):
    assert checked(name) == name
