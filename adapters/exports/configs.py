"""What Axolotl and LLaMA-Factory are told, to train as `understudy train` does on a bigger base.

Paths are relative to the export's folder, which is where the command is run.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.training import SEED
from adapters.training.recipe import MAX_TOKENS, Recipe, large

ADAPTER = "adapter"
"""Where the trained adapter comes to lie."""
ABOUT_THE_BASE = (
    "# The base is BASE_MODEL where that is set, else an example: any chat model will do, by its\n"
    "# Hub id or folder; to be served here it must be the one that the server loads.\n"
)
QWEN3 = re.compile(r"(^|/)qwen3-\d", re.IGNORECASE)
"""Answers without thinking, which LLaMA-Factory has a template of its own for."""


@dataclass(frozen=True)
class Files:
    """What lies in the folder, and what is to be trained on it."""

    persona: str
    base: str
    train: str
    validation: str | None


def axolotl(files: Files) -> dict[str, str]:
    recipe = large()
    config: dict[str, Any] = {
        "base_model": files.base,
        "chat_template": "tokenizer_default",
        "datasets": [_axolotl_dataset(files.train)],
        **({"test_datasets": [_axolotl_dataset(files.validation)]} if files.validation else {}),
        "val_set_size": 0.0,
        "dataset_prepared_path": "prepared",
        "output_dir": ADAPTER,
        "sequence_len": MAX_TOKENS,
        "adapter": "lora",
        "lora_r": recipe.rank,
        "lora_alpha": recipe.alpha,
        "lora_dropout": recipe.dropout,
        "lora_target_linear": True,
        "num_epochs": recipe.epochs,
        "micro_batch_size": recipe.rows_at_once,
        "gradient_accumulation_steps": _accumulated(recipe),
        "optimizer": "adamw_torch",
        "learning_rate": recipe.learning_rate,
        "lr_scheduler": "cosine",
        "warmup_ratio": recipe.warmup_share,
        "weight_decay": 0.0,
        "bf16": "auto",
        "gradient_checkpointing": recipe.recompute_activations,
        **({"evals_per_epoch": 1} if files.validation else {}),
        "saves_per_epoch": 1,
        "logging_steps": 5,
        "seed": SEED,
    }
    return {"axolotl.yaml": _yaml(config, "axolotl train axolotl.yaml")}


def _axolotl_dataset(file: str) -> dict[str, Any]:
    return {
        "path": file,
        "ds_type": "json",
        "split": "train",  # the only one that a file has
        "type": "chat_template",
        "roles_to_train": ["assistant"],
        "train_on_eos": "turn",
    }


def llama_factory(files: Files) -> dict[str, str]:
    recipe, held_out = large(), f"{files.persona}-validation"
    config: dict[str, Any] = {
        "model_name_or_path": files.base,
        **({"template": "qwen3_nothink"} if QWEN3.search(files.base) else {}),
        "stage": "sft",
        "do_train": True,
        "dataset_dir": ".",
        "dataset": files.persona,
        **({"eval_dataset": held_out, "eval_strategy": "epoch"} if files.validation else {}),
        "cutoff_len": MAX_TOKENS,
        "output_dir": ADAPTER,
        "finetuning_type": "lora",
        "lora_target": "all",
        "lora_rank": recipe.rank,
        "lora_alpha": recipe.alpha,
        "lora_dropout": recipe.dropout,
        "num_train_epochs": recipe.epochs,
        "per_device_train_batch_size": recipe.rows_at_once,
        "gradient_accumulation_steps": _accumulated(recipe),
        "learning_rate": recipe.learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_ratio": recipe.warmup_share,
        "weight_decay": 0.0,
        "bf16": True,
        "disable_gradient_checkpointing": not recipe.recompute_activations,
        "save_strategy": "epoch",
        "logging_steps": 5,
        "report_to": "none",
        "seed": SEED,
    }
    datasets = {files.persona: _described(files.train)}
    if files.validation:
        datasets[held_out] = _described(files.validation)
    return {
        "dataset_info.json": json.dumps(datasets, indent=2) + "\n",
        "train.yaml": _yaml(config, "llamafactory-cli train train.yaml"),
    }


def _described(file: str) -> dict[str, Any]:
    return {
        "file_name": file,
        "formatting": "sharegpt",
        "columns": {"messages": "messages"},
        "tags": {
            "role_tag": "role",
            "content_tag": "content",
            "user_tag": "user",
            "assistant_tag": "assistant",
            "system_tag": "system",
        },
    }


def named(base: str) -> str:
    """A Hub id, or a folder that is found from anywhere."""
    path = Path(base).expanduser()
    return str(path.resolve()) if path.is_dir() else base


def _accumulated(recipe: Recipe) -> int:
    return max(1, recipe.rows_per_step // recipe.rows_at_once)


def _yaml(config: dict[str, Any], command: str) -> str:
    import yaml

    body: str = yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=1000)
    return f"# Run it in this folder: {command}\n{ABOUT_THE_BASE}{body}"
