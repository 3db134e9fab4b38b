"""The real PEFT and TRL on a tiny random base, and the sentences of a training's bad days."""

from __future__ import annotations

import io
import json
import logging
import multiprocessing
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from adapters.consent import ledger
from adapters.dataset.shape import Layout, Shape
from adapters.errors import (
    AdaptersError,
    BadBaseModel,
    NoConsent,
    NoDataset,
    TooFewExamples,
    TrainingRefused,
)
from adapters.folders import locked
from adapters.imports import import_chat
from adapters.manifest import file_digest
from adapters.training import run as runs
from adapters.training import train
from adapters.training.recipe import Recipe
from tests.adapters import bases
from tests.adapters.conftest import long_chat

Export = Callable[..., Path]
QUICK = Recipe(
    rank=8,
    alpha=16,
    dropout=0.0,
    learning_rate=1e-2,
    epochs=2,
    rows_per_step=8,
    rows_at_once=4,
    recompute_activations=False,
)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """A model this small is faster on one thread, and tests run beside other work."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:
    return bases.save_model(tmp_path_factory.mktemp("models") / "tiny-base")


@pytest.fixture
def home(export: Export, tmp_path: Path) -> Path:
    path = export(*long_chat())
    import_chat("whatsapp", path, "maya", ["Maya"], tmp_path / "home", consent=True)
    return tmp_path / "home"


@pytest.mark.slow
def test_a_training_learns_and_leaves_a_run_that_binds_everything(
    home: Path, base: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shown = io.StringIO()
    level = logging.getLogger("transformers").level
    report = train("maya", home, str(base), recipe=QUICK, console=Console(file=shown))
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
    assert "training maya" in shown.getvalue()
    assert logging.getLogger("transformers").level == level
    figures = report.evaluation
    assert figures["held_out_loss_after"] < figures["held_out_loss_before"] - 0.1
    assert figures["held_out_bits_per_byte_after"] < figures["held_out_bits_per_byte_before"]
    # As long as nobody edits it: here all that is held out is in the validation set.
    assert figures["validation_loss_after"] == figures["held_out_loss_after"]

    assert (home / "runs").stat().st_mode & 0o777 == 0o700
    run = runs.load(home, "maya")
    assert sorted(p.name for p in run.folder.iterdir()) == [
        "adapter_config.json", "adapter_model.safetensors", "manifest.json",
    ]  # fmt: skip
    text = (run.folder / "adapter_config.json").read_text()
    assert str(tmp_path) not in text
    assert str(base.parent) not in text
    assert json.loads(text)["base_model_name_or_path"] == "tiny-base"
    manifest = run.manifest
    assert (manifest.rank, manifest.base.name, manifest.seed) == (8, "tiny-base", 1)
    assert set(manifest.target_modules) == {
        "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj",
    }  # fmt: skip
    assert len(manifest.shapes) == 2 * 7 * 2
    assert all(8 in shape for shape in manifest.shapes.values())
    assert manifest.dataset.examples == report.examples
    assert manifest.recipe["learning_rate"] == QUICK.learning_rate
    assert manifest.evaluation == figures
    assert manifest.consent is not None
    assert manifest.consent["to"] == ["import", "serve", "train"]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights(home: Path, base: Path) -> None:
    digests = set()
    for _ in range(2):
        train("maya", home, str(base), recipe=QUICK, console=Console(file=io.StringIO()))
        digests.add(file_digest(runs.folder(home, "maya") / "adapter_model.safetensors"))
    assert len(digests) == 1


@pytest.mark.slow
def test_an_interrupted_training_leaves_the_run_before(
    home: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = Console(file=io.StringIO())
    train("maya", home, str(base), recipe=QUICK, console=quiet)
    before = runs.load(home, "maya")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "describe", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train("maya", home, str(base), recipe=QUICK, seed=2, console=quiet)
    assert runs.load(home, "maya") == before
    assert [p.name for p in (home / "runs").iterdir() if p.is_dir()] == ["maya"]


@pytest.mark.slow
def test_rows_that_do_not_fit_into_the_base_are_a_sentence(home: Path, tmp_path: Path) -> None:
    base = bases.save_model(tmp_path / "short-base", context=8)
    with pytest.raises(TooFewExamples, match="fit into the 8 tokens of short-base"):
        train("maya", home, str(base))


@pytest.mark.slow
def test_a_base_without_a_chat_template_is_a_sentence(home: Path, tmp_path: Path) -> None:
    base = bases.save_model(tmp_path / "bare-base")
    (base / "chat_template.jinja").unlink()
    with pytest.raises(BadBaseModel, match=r"bare-base has no chat template; choose a chat"):
        train("maya", home, str(base))


@pytest.mark.slow
def test_a_broken_base_is_a_sentence(home: Path, tmp_path: Path) -> None:
    base = bases.save_model(tmp_path / "broken-base")
    (base / "model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(BadBaseModel, match="broken-base can't be loaded"):
        train("maya", home, str(base))


@pytest.mark.slow
def test_who_withdraws_while_it_trains_is_heard(
    home: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from adapters.training.session import Session

    learned = Session.learned

    def meanwhile(*arguments: object) -> object:
        ledger.withdraw(home, "Maya")
        return learned(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Session, "learned", meanwhile)
    with pytest.raises(NoConsent, match="nobody wrote down that Maya agreed"):
        train("maya", home, str(base), recipe=QUICK, console=Console(file=io.StringIO()))
    assert not runs.folder(home, "maya").exists()


def test_without_consent_it_refuses_and_names_the_command(export: Export, tmp_path: Path) -> None:
    import_chat("whatsapp", export(*long_chat()), "maya", ["Maya"], tmp_path)
    with pytest.raises(NoConsent, match=r"did: understudy consent grant Maya --persona maya$"):
        train("maya", tmp_path, "anything")
    assert not (tmp_path / "runs").exists()
    ledger.grant(tmp_path, "maya", persona="maya", to=["import", "serve"])
    ledger.grant(tmp_path, "Maya", persona="someone-else")
    ledger.grant(tmp_path, "Maya")
    with pytest.raises(NoConsent):
        train("maya", tmp_path, "anything")
    ledger.grant(tmp_path, "~MAYA ", persona="maya", to=["train"])
    with pytest.raises(BadBaseModel):
        train("maya", tmp_path, "anything")


def test_without_a_dataset_the_import_command_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoDataset, match="understudy import whatsapp FILE --persona maya"):
        train("maya", tmp_path, "anything")


def test_a_handful_of_rows_is_refused(export: Export, tmp_path: Path) -> None:
    import_chat("whatsapp", export(*long_chat(5)), "maya", ["Maya"], tmp_path, consent=True)
    with pytest.raises(TooFewExamples, match="needs at least 20; import a longer chat"):
        train("maya", tmp_path, "anything")


@pytest.mark.parametrize("model", ["/no/such/folder", "./nor/this", "nothing", "a/b/c"])
def test_a_base_that_is_not_there_is_a_sentence(home: Path, model: str) -> None:
    with pytest.raises(BadBaseModel, match=r"there is no base model in .*; set BASE_MODEL"):
        train("maya", home, model)


def test_a_hub_model_that_is_not_here_is_a_sentence_offline(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(BadBaseModel, match="someone/some-model is not on this machine"):
        train("maya", home, "someone/some-model")


def test_a_folder_without_a_model_is_a_sentence(home: Path, tmp_path: Path) -> None:
    with pytest.raises(BadBaseModel, match=r"has no config\.json"):
        train("maya", home, str(tmp_path))


def test_a_bad_name_never_reaches_a_path(tmp_path: Path) -> None:
    with pytest.raises(AdaptersError, match="can't be a persona's name"):
        train("../maya", tmp_path, "anything")


def _hold(target: Path, held: multiprocessing.synchronize.Event) -> None:
    with locked(target, wait=False, purpose="training"):
        held.set()
        multiprocessing.Event().wait(30)


def test_two_trainings_of_one_persona_at_once_are_refused(home: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (base / name).touch()
    held = multiprocessing.get_context("spawn").Event()
    other = multiprocessing.get_context("spawn").Process(
        target=_hold, args=(runs.folder(home, "maya"), held)
    )
    other.start()
    try:
        assert held.wait(30)
        with pytest.raises(TrainingRefused, match="maya is being trained already"):
            train("maya", home, str(base))
    finally:
        other.kill()
        other.join()


def test_shapes_of_a_file_that_is_no_safetensors_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "adapter_model.safetensors"
    path.write_bytes(b"\xff" * 32)
    with pytest.raises(ValueError, match="not a safetensors file"):
        runs.shapes(path)


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["conversations", "pairs", "dialogue"])
def test_a_training_learns_from_each_layout(
    layout: Layout, export: Export, tmp_path: Path, base: Path
) -> None:
    home = tmp_path / "home"
    shape = Shape(layout=layout)
    path = export(*long_chat())
    import_chat("whatsapp", path, "maya", ["Maya"], home, consent=True, shape=shape)
    report = train("maya", home, str(base), recipe=QUICK, console=Console(file=io.StringIO()))
    figures = report.evaluation
    assert figures["held_out_loss_after"] < figures["held_out_loss_before"] - 0.1
    manifest = runs.load(home, "maya").manifest
    assert manifest.dataset.layout == report.layout == layout
    assert manifest.prompt_format == shape.prompt_format()
