"""What PEFT can train and vLLM would not honour is refused by what PEFT writes about it."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch
from peft import LoraConfig

from adapters.manifest import ADAPTER_CONFIG, MANIFEST
from inference_server.adapter_config import UNSUPPORTED
from tests.inference_server.real_adapter import reconfigure, reseal

HARMLESS = {
    "task_type", "auto_mapping", "peft_version", "base_model_name_or_path", "revision",
    "inference_mode", "exclude_modules", "lora_dropout", "layers_to_transform", "layers_pattern",
    "megatron_config", "megatron_core", "loftq_config", "eva_config", "corda_config",
    "lora_ga_config", "qalora_group_size", "runtime_config", "ensure_weight_tying",
}  # fmt: skip
"""Fields that say how it was trained, and change nothing about what its weights mean."""
JUDGED = {"peft_type", "r", "target_modules", "lora_alpha", "bias", "use_rslora",
          "init_lora_weights"}  # fmt: skip


@pytest.mark.parametrize(
    "lora",
    [
        {},
        {"use_rslora": True},
        {"dtype": torch.float16},
        {"dtype": torch.bfloat16},
        {"target_modules": "all-linear"},
        {"layers_to_transform": [0, 5]},
        {"init_lora_weights": "gaussian"},
    ],
    ids=str,
)
def test_a_plain_lora_as_peft_writes_it_passes(adapter, judge, lora):
    adapter(**lora)
    judge()


@pytest.mark.parametrize(
    ("lora", "reason"),
    [
        ({"use_dora": True}, "DoRA"),
        ({"bias": "lora_only"}, "biases"),
        ({"bias": "all"}, "biases"),
        ({"lora_bias": True}, "LoRA bias"),
        ({"modules_to_save": ["lm_head"]}, "whole modules"),
        ({"trainable_token_indices": [5]}, "token embeddings"),
        ({"rank_pattern": {"q_proj": 2}}, "several ranks"),
        ({"alpha_pattern": {"q_proj": 2}}, "several alphas"),
        ({"init_lora_weights": "olora"}, "changing the base's own weights"),
        ({"r": 16}, "rank 16 is above the 8"),
    ],
    ids=str,
)
def test_what_the_engine_would_not_honour_is_rejected_as_peft_writes_it(
    adapter, refused, lora, reason
):
    adapter(**lora)
    refused(reason)


def test_every_field_that_peft_writes_was_judged():
    fields = {field.name for field in dataclasses.fields(LoraConfig)}
    assert fields - HARMLESS - JUDGED - UNSUPPORTED.keys() == set()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"peft_type": "IA3"}, "not that of a LoRA"),
        ({"peft_type": None}, "not that of a LoRA"),
        ({"layer_replication": [[0, 1]]}, "replicates layers"),
        ({"r": 5}, "says rank 5, the manifest 4"),
        ({"r": True}, "rank"),
        ({"r": "4"}, "rank"),
        ({"r": 10**4000}, "rank"),
        ({"r": [[[4]]]}, "rank something else"),
        ({"lora_alpha": None}, "lora_alpha"),
        ({"lora_alpha": float("nan")}, "lora_alpha"),
        ({"lora_alpha": 10**400}, "lora_alpha"),
        ({"lora_alpha": -8}, "lora_alpha"),
        ({"lora_alpha": 1e300}, "diverged"),
        ({"target_modules": "all-linear"}, "target modules"),
        ({"target_modules": ["q_proj"]}, "different target modules"),
        ({"bias": ["none"]}, "biases"),
        ({"init_lora_weights": {"a": 1}}, "base's own weights"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_configuration_with_a_wrong_value_is_rejected(folder, refused, changes, reason):
    reconfigure(folder, **changes)
    refused(reason)


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"[" * 100_000, b'"LORA"', b"\xff\xfe", b"1" * 5000, "{}".encode("utf-16")],
    ids=lambda raw: repr(raw[:8]),
)
def test_a_malformed_configuration_is_rejected(folder, refused, raw):
    (folder / ADAPTER_CONFIG).write_bytes(raw)
    reseal(folder)
    refused("not JSON|not a configuration")


def test_a_configuration_of_megabytes_is_rejected(folder, refused):
    reconfigure(folder, note="x" * 2**20)
    refused("larger than 1 MiB")


def test_a_missing_configuration_is_rejected(folder, refused):
    (folder / ADAPTER_CONFIG).unlink()
    refused("adapter_config.json is missing")
    reseal(folder)
    refused("the manifest names no adapter_config.json")


def test_another_base_is_rejected(folder, refused):
    base = json.loads((folder / MANIFEST).read_text())["base"]
    reseal(folder, base={**base, "name": "other\u202e\n", "digest": "0" * 64})
    refused(r"trained on another base model \(other\\u202e\\n\)")


def test_another_chat_template_is_rejected(folder, refused):
    base = json.loads((folder / MANIFEST).read_text())["base"]
    reseal(folder, base={**base, "chat_template_digest": "0" * 64})
    refused("another chat template")


@pytest.mark.parametrize("changes", [{"persona": "tom"}, {"version": 2}, {"version": 10**8}])
def test_another_version_s_manifest_is_rejected(folder, refused, changes):
    reseal(folder, **changes)
    refused("not of maya@1")
