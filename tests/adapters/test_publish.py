"""A run becomes an immutable version once, and a persona can go back."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.numpy import save_file

from adapters.consent import requiring
from adapters.dataset.report import ImportReport
from adapters.dataset.store import load as load_dataset
from adapters.errors import AdaptersError, NoRun, NothingToRollBack, RegistryRefused
from adapters.folders import replaced
from adapters.imports import import_chat
from adapters.manifest import MANIFEST, Base, Card
from adapters.publish import STARTERS, publish, rollback
from adapters.registry import Registry
from adapters.training import run as runs
from tests.adapters.conftest import long_chat

Export = Callable[..., Path]


def leave_run(home: Path, report: ImportReport, value: float = 1.0) -> None:
    """A run as a training leaves it, with weights that nobody trained."""
    import numpy as np

    with replaced(runs.folder(home, report.persona)) as fresh:
        name = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
        save_file(
            {name: np.full((8, 32), value, dtype=np.float32)}, fresh / "adapter_model.safetensors"
        )
        settings = {"r": 8, "target_modules": ["q_proj"], "base_model_name_or_path": "/a/path"}
        (fresh / "adapter_config.json").write_text(json.dumps(settings))
        manifest = runs.describe(
            fresh,
            report,
            Base(name="tiny", digest="d", chat_template_digest="c"),
            {"epochs": 1},
            seed=1,
            evaluation={"held_out_loss_after": 2.5},
            consent=requiring.record(home, report),
        )
        (fresh / MANIFEST).write_text(manifest.model_dump_json())


@pytest.fixture
def home(export: Export, tmp_path: Path) -> Path:
    home, path = tmp_path / "home", export(*long_chat())
    leave_run(home, import_chat("whatsapp", path, "maya", ["Maya"], home, consent=True))
    return home


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry")


def test_the_first_version_is_current_and_binds_what_was_trained(
    home: Path, registry: Registry
) -> None:
    published = publish(home, registry, "maya")
    assert (published.version, published.new, published.current) == (1, True, 1)
    assert published.sentence == "published maya@1, which is current now"
    manifest = registry.manifest("maya", 1)
    report = load_dataset(home, "maya").report
    assert manifest.version == 1
    assert manifest.dataset.digest == report.digest
    assert manifest.system_prompt == report.system_prompt
    assert manifest.prompt_format == report.prompt_format
    assert list(manifest.shapes.values()) == [(8, 32)]
    assert json.loads((registry.path("maya", 1) / "adapter_config.json").read_text())[
        "base_model_name_or_path"
    ] == "tiny"  # fmt: skip


def test_the_same_run_is_not_published_twice(home: Path, registry: Registry) -> None:
    publish(home, registry, "maya")
    again = publish(home, registry, "maya")
    assert (again.version, again.new) == (1, False)
    assert again.sentence == "this training is already maya@1; nothing was published"
    assert registry.versions("maya") == [1]


def test_a_version_whose_files_were_spoiled_is_published_anew(
    home: Path, registry: Registry
) -> None:
    publish(home, registry, "maya")
    weights = registry.path("maya", 1) / "adapter_model.safetensors"
    weights.chmod(0o644)
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    again = publish(home, registry, "maya")
    assert (again.new, again.version, again.current) == (True, 2, 1)
    assert not publish(home, registry, "maya").new


def test_publishing_again_ends_what_a_killed_publisher_began(
    home: Path, registry: Registry
) -> None:
    publish(home, registry, "maya")
    persona = registry.root / "personas" / "maya"
    (persona / "current").unlink()
    left = [persona / ".current-x", persona / "versions" / ".incoming-x"]
    for path in left:
        path.mkdir()
        os.utime(path, (0, 0))
    young = persona / "versions" / ".incoming-young"
    young.mkdir()
    again = publish(home, registry, "maya")
    assert (again.new, again.current, registry.current("maya")) == (False, 1, 1)
    leave_run(home, load_dataset(home, "maya").report, value=2.0)
    assert publish(home, registry, "maya").version == 2
    assert not any(path.exists() for path in left)
    assert young.exists()


def test_a_later_version_waits_for_a_reload(home: Path, registry: Registry) -> None:
    publish(home, registry, "maya")
    leave_run(home, load_dataset(home, "maya").report, value=2.0)
    published = publish(home, registry, "maya")
    assert (published.version, published.current) == (2, 1)
    assert published.sentence == "published maya@2; maya@1 is current until a reload"


def test_a_card_is_made_where_there_is_none(home: Path, registry: Registry) -> None:
    publish(home, registry, "maya")
    card = registry.card("maya")
    assert (card.display_name, card.starters) == ("Maya", STARTERS)
    assert card.greeting == "Hi, this is Maya."


def test_a_card_that_is_there_is_left_alone(home: Path, registry: Registry) -> None:
    own = Card(name="maya", display_name="Maya the Potter", greeting=None)
    registry.save_card(own)
    publish(home, registry, "maya")
    assert registry.card("maya") == own


def test_without_a_run_the_training_command_is_named(tmp_path: Path, registry: Registry) -> None:
    with pytest.raises(NoRun, match="maya was not trained yet; run: understudy train maya"):
        publish(tmp_path, registry, "maya")
    assert not registry.root.exists()


def test_a_run_that_was_changed_is_refused(home: Path, registry: Registry) -> None:
    with (runs.folder(home, "maya") / "adapter_model.safetensors").open("ab") as file:
        file.write(b"x")
    with pytest.raises(NoRun, match="not the ones that were trained"):
        publish(home, registry, "maya")


def test_a_registry_that_cannot_be_written_is_a_sentence(home: Path, tmp_path: Path) -> None:
    root = tmp_path / "registry"
    (root / "personas" / "maya").mkdir(parents=True)
    (root / "personas" / "maya" / "versions").write_text("a file where a folder should be")
    with pytest.raises(RegistryRefused, match="can't be written"):
        publish(home, Registry(root), "maya")


def test_a_rollback_goes_to_the_version_before(home: Path, registry: Registry) -> None:
    publish(home, registry, "maya")
    leave_run(home, load_dataset(home, "maya").report, value=2.0)
    publish(home, registry, "maya")
    registry.set_current("maya", 2)
    back = rollback(registry, "maya")
    assert (back.version, back.previous, registry.current("maya")) == (1, 2, 1)
    assert back.sentence == "maya is back at version 1 (it was 2)"
    with pytest.raises(NothingToRollBack, match="maya has no earlier version"):
        rollback(registry, "maya")


def test_bad_names_are_refused_everywhere(tmp_path: Path, registry: Registry) -> None:
    for name in ("../x", "Maya", "", "base"):
        with pytest.raises(AdaptersError):
            publish(tmp_path, registry, name)
        with pytest.raises(AdaptersError):
            rollback(registry, name)
