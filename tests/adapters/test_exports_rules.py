"""Exports of the sample chat, held to the rules and the loaders of the trainers they are for."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from openai.types.chat import ChatCompletionMessageParam
from pydantic import TypeAdapter

from adapters.dataset import store
from adapters.exports import Exported, export
from adapters.imports import import_chat
from adapters.training.recipe import large
from deploy.local.settings import PROJECT, STARTER_MODEL
from tests.adapters import trainers
from tests.adapters.trainers import loaded

SAMPLE = PROJECT / "adapters" / "samples" / "maya-and-tom.txt"
Exports = dict[str, Exported]
Pairs = list[list[tuple[str, str]]]
"""Of each row: what was asked and answered."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    import_chat("whatsapp", SAMPLE, "maya", ["Maya"], home, consent=True)
    return home


@pytest.fixture(scope="module")
def exports(home: Path) -> Exports:
    base = str(STARTER_MODEL)
    return {exported.format: exported for exported in export(home, "maya", ["all"], base=base)}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `datasets` keeps what it loads."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def said(home: Path) -> dict[str, Pairs]:
    """The dataset itself, by file."""
    dataset = store.load(home, "maya")
    return {
        name: [list(pairs([message["content"] for message in row["messages"]])) for row in rows]
        for name, rows in (("train", dataset.train), ("validation", dataset.held_out))
    }


def pairs(texts: list[str]) -> Iterator[tuple[str, str]]:
    """Of a row that begins with a system prompt."""
    yield from zip(texts[1::2], texts[2::2], strict=True)


def file(exported: Exported, name: str) -> Path:
    return next(exported.folder.glob(f"{name}.json*"))


@pytest.mark.parametrize("format", ["openai", "axolotl", "llama-factory"])
@pytest.mark.parametrize("name", ["train", "validation"])
def test_chat_rows_pass_openais_checks_and_its_librarys_schema(
    exports: Exports, said: dict[str, Pairs], cache: Path, format: str, name: str
) -> None:
    rows = loaded(file(exports[format], name), cache)
    assert trainers.openai_chat_errors(rows) == set()
    message = TypeAdapter(list[ChatCompletionMessageParam])
    for row in rows:
        assert row.keys() == {"messages"}
        message.validate_python(row["messages"], strict=True)
    texts = [[message["content"] for message in row["messages"]] for row in rows]
    assert [list(pairs(row)) for row in texts] == said[name]


@pytest.mark.parametrize("name", ["train", "validation"])
def test_openais_own_tool_would_change_nothing_in_prompts_and_completions(
    exports: Exports, said: dict[str, Pairs], cache: Path, name: str
) -> None:
    rows = loaded(file(exports["prompt-completion"], name), cache)
    assert trainers.prepare_data_findings(rows) == set()
    answers = [answer for row in said[name] for _, answer in row]
    assert [row["completion"] for row in rows] == [f" {answer} END" for answer in answers]
    assert all(row["prompt"].endswith("\n\n###\n\n") for row in rows)


@pytest.mark.parametrize("name", ["train", "validation"])
def test_fastchat_reads_every_turn_of_sharegpt(
    exports: Exports, said: dict[str, Pairs], cache: Path, name: str
) -> None:
    path = file(exports["sharegpt"], name)
    rows = json.loads(path.read_text("utf-8"))  # as fastchat/train/train.py does
    assert rows == loaded(path, cache)
    for row, expected in zip(rows, said[name], strict=True):
        texts = [text for _, text in trainers.fastchat_turns(row)]
        assert list(zip(texts[::2], texts[1::2], strict=True)) == expected


@pytest.mark.parametrize("name", ["train", "validation"])
def test_alpaca_gives_stanford_the_last_answer_and_llama_factory_all_of_them(
    exports: Exports, said: dict[str, Pairs], cache: Path, name: str
) -> None:
    path = file(exports["alpaca"], name)
    rows = json.loads(path.read_text("utf-8"))  # as stanford_alpaca/utils.py does
    assert [trainers.llama_factory_alpaca_pairs(row) for row in rows] == said[name]
    assert [trainers.llama_factory_alpaca_pairs(row) for row in loaded(path, cache)] == said[name]
    for row, expected in zip(rows, said[name], strict=True):
        asked, answered = expected[-1]
        assert trainers.alpaca_text(row) == (
            f"### Instruction:\n{asked}\n\n### Response:{answered}"
        )


def test_llama_factory_finds_both_data_sets_by_the_names_in_its_yaml(
    exports: Exports, said: dict[str, Pairs], cache: Path
) -> None:
    folder = exports["llama-factory"].folder
    config = yaml.safe_load((folder / "train.yaml").read_text("utf-8"))
    assert config["dataset_dir"] == "."
    for key, name in (("dataset", "train"), ("eval_dataset", "validation")):
        assert trainers.llama_factory_pairs(folder, config[key], cache) == said[name]


def test_axolotls_yaml_points_at_both_files_and_learns_answers_alone(exports: Exports) -> None:
    folder = exports["axolotl"].folder
    config = yaml.safe_load((folder / "axolotl.yaml").read_text("utf-8"))
    for key, name in (("datasets", "train"), ("test_datasets", "validation")):
        (told,) = config[key]
        assert (folder / told["path"]).name == f"{name}.jsonl"
        assert (folder / told["path"]).is_file()
        assert told["type"] == "chat_template"
        assert told["roles_to_train"] == ["assistant"]
    assert not config["val_set_size"]  # Axolotl refuses it beside test_datasets


def test_both_yamls_train_by_our_own_recipe(exports: Exports) -> None:
    recipe = large()
    axolotl = yaml.safe_load((exports["axolotl"].folder / "axolotl.yaml").read_text("utf-8"))
    llama = yaml.safe_load((exports["llama-factory"].folder / "train.yaml").read_text("utf-8"))
    assert axolotl["base_model"] == llama["model_name_or_path"] == str(STARTER_MODEL)
    assert axolotl["lora_r"] == llama["lora_rank"] == recipe.rank
    assert axolotl["lora_alpha"] == llama["lora_alpha"] == recipe.alpha
    assert axolotl["learning_rate"] == llama["learning_rate"] == recipe.learning_rate
    for rows, steps in (
        (axolotl["micro_batch_size"], axolotl["gradient_accumulation_steps"]),
        (llama["per_device_train_batch_size"], llama["gradient_accumulation_steps"]),
    ):
        assert rows * steps == recipe.rows_per_step


def test_qwen3_is_trained_without_thinking_and_others_by_their_own_template(home: Path) -> None:
    for base, template in (
        (None, "qwen3_nothink"),
        ("Qwen/Qwen3-4B-Instruct-2507", "qwen3_nothink"),
        ("Qwen/Qwen3-VL-4B", None),
        ("meta-llama/Llama-3.2-1B-Instruct", None),
    ):
        (exported,) = export(home, "maya", ["llama-factory"], base=base, place=home / "other")
        config = yaml.safe_load((exported.folder / "train.yaml").read_text("utf-8"))
        assert config.get("template") == template


def test_trl_takes_the_chat_rows_and_the_pairs_as_they_are(exports: Exports, cache: Path) -> None:
    from transformers import AutoTokenizer
    from trl import apply_chat_template, is_conversational

    tokenizer = AutoTokenizer.from_pretrained(STARTER_MODEL)
    for row in loaded(file(exports["openai"], "validation"), cache):
        assert is_conversational(row)
        text = apply_chat_template(row, tokenizer)["text"]
        assert text.count("<|assistant|>") == len(row["messages"]) // 2
        assert text.endswith(f"{row['messages'][-1]['content']}<|end|>")
    for row in loaded(file(exports["prompt-completion"], "validation"), cache):
        assert row.keys() == {"prompt", "completion"}
        assert not is_conversational(row)


def there(module: str) -> pytest.MarkDecorator:
    missing = importlib.util.find_spec(module) is None
    return pytest.mark.skipif(missing, reason=f"{module} is not installed here")


@there("axolotl")
def test_axolotl_itself_prepares_the_rows(exports: Exports) -> None:
    quiet = {"HF_HUB_OFFLINE": "1", "AXOLOTL_DO_NOT_TRACK": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "axolotl.cli.preprocess", "axolotl.yaml"],
        cwd=exports["axolotl"].folder,
        env={**os.environ, **quiet},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    assert (exports["axolotl"].folder / "prepared").is_dir()


@there("llamafactory")
def test_llama_factory_itself_reads_its_yaml(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    from llamafactory.data.loader import _get_merged_dataset
    from llamafactory.hparams import get_train_args

    folder = exports["llama-factory"].folder
    monkeypatch.chdir(folder)
    config = yaml.safe_load((folder / "train.yaml").read_text("utf-8"))
    model, data, training, *_ = get_train_args({**config, "bf16": False})
    for names, count in (
        (data.dataset, exports["llama-factory"].train),
        (data.eval_dataset, exports["llama-factory"].validation),
    ):
        assert len(_get_merged_dataset(names, model, data, training, "sft")) == count
