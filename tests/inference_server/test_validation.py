"""Each way a version's files can be wrong, with the sentence its owner gets."""

from __future__ import annotations

import json
import math
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from adapters.manifest import ADAPTER_CONFIG, ADAPTER_WEIGHTS, MANIFEST, file_digest
from inference_server.errors import Rejected
from inference_server.validation import validate
from tests.inference_server import made

LAYER = "base_model.model.model.layers.0.self_attn.q_proj"
MAX_RANK = 8


@pytest.fixture
def folder(publish, registry) -> Path:
    """A published version, as it should be."""
    publish()
    return registry.path("maya", 1)


@pytest.fixture
def judge(registry, served_base) -> Callable[[], None]:
    def judge() -> None:
        manifest = registry.manifest("maya", 1)
        validate(registry.path("maya", 1), "maya", 1, manifest, served_base, MAX_RANK)

    return judge


def reseal(folder: Path, **changes: Any) -> None:
    """Make the manifest fit the files again, as a publisher who means it would."""
    path = folder / MANIFEST
    manifest = json.loads(path.read_text())
    manifest["files"] = {
        file.name: file_digest(file) for file in folder.iterdir() if file.name != MANIFEST
    }
    manifest["shapes"] = {}
    path.write_text(json.dumps({**manifest, **changes}))


def rewrite(folder: Path, change: Callable[[dict[str, np.ndarray]], None]) -> None:
    weights = load_file(folder / ADAPTER_WEIGHTS)
    change(weights)
    save_file(weights, folder / ADAPTER_WEIGHTS)
    reseal(folder)


def reconfigure(folder: Path, **changes: Any) -> None:
    path = folder / ADAPTER_CONFIG
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    reseal(folder)


def with_header(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / ADAPTER_WEIGHTS
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + raw[8 + length :])
    reseal(folder)


def test_a_version_as_published_passes(folder, judge):
    judge()


def test_a_version_in_bfloat16_passes(folder, judge):
    def shrink(header: dict[str, Any]) -> None:
        at = 0
        for name, entry in header.items():
            if name != "__metadata__":
                size = 2 * math.prod(entry["shape"])
                entry.update(dtype="BF16", data_offsets=[at, at + size])
                at += size

    with_header(folder, shrink)
    path = folder / ADAPTER_WEIGHTS
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    path.write_bytes(raw[: 8 + length] + bytes((len(raw) - 8 - length) // 2))
    reseal(folder)
    judge()


def test_an_adapter_of_another_base_is_rejected(publish, judge, tmp_path):
    publish(base=made.tiny_base(tmp_path / "other-base", seed=1))
    with pytest.raises(Rejected, match=r"trained on another base model \(other-base\)"):
        judge()


def test_another_chat_template_is_rejected(folder, judge, served_base):
    manifest = json.loads((folder / MANIFEST).read_text())
    reseal(folder, base={**manifest["base"], "chat_template_digest": "0" * 64})
    with pytest.raises(Rejected, match="another chat template"):
        judge()


@pytest.mark.parametrize(("side", "shape"), [("A", (4, 7)), ("A", (4, 9)), ("B", (15, 4)),
                                             ("B", (17, 4)), ("A", (8, 4)), ("A", (32,)),
                                             ("A", (3, 8)), ("B", ())])  # fmt: skip
def test_shapes_that_do_not_fit_the_base_s_layer_are_rejected(folder, judge, side, shape):
    def reshape(weights: dict[str, np.ndarray]) -> None:
        weights[f"{LAYER}.lora_{side}.weight"] = np.zeros(shape, np.float32)

    rewrite(folder, reshape)
    with pytest.raises(Rejected, match="do not fit the base's layer"):
        judge()


def test_a_rank_over_the_limit_is_rejected(publish, judge):
    publish(rank=16)
    with pytest.raises(Rejected, match="rank 16 is above the 8"):
        judge()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"use_dora": True}, "DoRA"),
        ({"bias": "lora_only"}, "biases"),
        ({"lora_bias": True}, "LoRA bias"),
        ({"modules_to_save": ["lm_head"]}, "whole modules"),
        ({"layer_replication": [[0, 1]]}, "replicates layers"),
        ({"rank_pattern": {"q_proj": 2}}, "several ranks"),
        ({"alpha_pattern": {"q_proj": 1e30}}, "several alphas"),
        ({"peft_type": "IA3"}, "not a LoRA"),
        ({"r": 5}, "says rank 5, the manifest says 4"),
        ({"r": True}, "rank"),
        ({"r": "4"}, "rank"),
        ({"lora_alpha": None}, "lora_alpha"),
        ({"lora_alpha": float("nan")}, "lora_alpha"),
        ({"target_modules": "all-linear"}, "target modules"),
        ({"target_modules": ["q_proj"]}, "different target modules"),
    ],
)
def test_a_configuration_the_engine_would_not_honour_is_rejected(folder, judge, changes, sentence):
    reconfigure(folder, **changes)
    with pytest.raises(Rejected, match=sentence):
        judge()


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000, '"LORA"'])
def test_a_malformed_configuration_is_rejected(folder, judge, text):
    (folder / ADAPTER_CONFIG).write_text(text)
    reseal(folder)
    with pytest.raises(Rejected, match=r"not JSON|not a configuration"):
        judge()


def test_a_missing_file_is_rejected(folder, judge):
    (folder / ADAPTER_CONFIG).unlink()
    with pytest.raises(Rejected, match=r"adapter_config.json is missing"):
        judge()


def test_a_file_that_differs_from_the_manifest_is_rejected(folder, judge):
    with (folder / ADAPTER_CONFIG).open("a") as file:
        file.write("\n")
    with pytest.raises(Rejected, match="its digest differs"):
        judge()


@pytest.mark.parametrize("name", ["adapter_model.bin", "optimizer.pt", "extra.pkl"])
def test_a_pickle_is_rejected_with_and_without_a_place_in_the_manifest(folder, judge, name):
    (folder / name).write_bytes(b"\x80\x04.")
    with pytest.raises(Rejected, match="could run code"):
        judge()
    reseal(folder)
    with pytest.raises(Rejected, match="could run code"):
        judge()


def test_a_file_beside_the_published_ones_is_rejected(folder, judge):
    (folder / "notes.txt").write_text("hello")
    with pytest.raises(Rejected, match=r"notes.txt is not in the manifest"):
        judge()


@pytest.mark.parametrize("name", [ADAPTER_WEIGHTS, ADAPTER_CONFIG])
def test_a_symbolic_link_is_rejected(folder, judge, tmp_path, name):
    outside = tmp_path / "outside"
    (folder / name).rename(outside)
    (folder / name).symlink_to(outside)
    with pytest.raises(Rejected, match="symbolic link"):
        judge()


@pytest.mark.parametrize("name", ["../../../secret", "/etc/hosts", "a\\b", "a\0b", "..", "x" * 999])
def test_a_hostile_file_name_in_the_manifest_is_rejected(folder, judge, name):
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"][name] = "0" * 64
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(Rejected, match="not one"):
        judge()


def test_another_persona_s_manifest_is_rejected(folder, judge):
    reseal(folder, persona="tom")
    with pytest.raises(Rejected, match="that of tom@1, not of maya@1"):
        judge()


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_truncated_weights_are_rejected(folder, judge, keep):
    path = folder / ADAPTER_WEIGHTS
    path.write_bytes(path.read_bytes()[:keep])
    reseal(folder)
    with pytest.raises(Rejected, match=r"truncated|not a safetensors"):
        judge()


@pytest.mark.parametrize(
    "offsets", [[0, 10**9], [8, 136], [-4, 124], [128, 0], [0, 127], [0.0, 128.0], ["0", "128"], []]
)
def test_a_header_whose_offsets_lie_is_rejected(folder, judge, offsets):
    def lie(header: dict[str, Any]) -> None:
        header[f"{LAYER}.lora_A.weight"]["data_offsets"] = offsets

    with_header(folder, lie)
    with pytest.raises(Rejected, match=r"header|truncated"):
        judge()


def test_a_header_with_the_same_bytes_twice_is_rejected(folder, judge):
    def share(header: dict[str, Any]) -> None:
        one, other = f"{LAYER}.lora_A.weight", LAYER.replace("0", "1") + ".lora_A.weight"
        header[one]["data_offsets"] = header[other]["data_offsets"]

    with_header(folder, share)
    with pytest.raises(Rejected, match="offsets do not fit"):
        judge()


def test_a_header_as_long_as_a_file_could_never_be_is_rejected(folder, judge):
    path = folder / ADAPTER_WEIGHTS
    path.write_bytes(struct.pack("<Q", 1 << 60) + path.read_bytes()[8:])
    reseal(folder)
    with pytest.raises(Rejected, match="truncated or not a safetensors"):
        judge()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_nan_and_infinity_are_rejected(folder, judge, value, dtype):
    def spoil(weights: dict[str, np.ndarray]) -> None:
        for name in weights:
            weights[name] = weights[name].astype(dtype)
        weights[f"{LAYER}.lora_B.weight"][-1, -1] = value

    rewrite(folder, spoil)
    with pytest.raises(Rejected, match="NaN or infinity"):
        judge()


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_weights_that_would_drown_the_base_are_rejected(folder, judge, dtype):
    def shout(weights: dict[str, np.ndarray]) -> None:
        for name in weights:
            weights[name] = (weights[name] * 1e4).astype(dtype)

    rewrite(folder, shout)
    with pytest.raises(Rejected, match="training has diverged"):
        judge()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (LAYER, LAYER.replace("layers.0", "layers.7"), "no layer"),
        (LAYER, LAYER.replace("q_proj", "x_proj"), "no layer"),
        (LAYER, LAYER.replace("q_proj", "k_proj"), "not among the manifest's target modules"),
        (f"{LAYER}.lora_A.weight", f"{LAYER}.lora_magnitude_vector", "plain LoRA"),
        (f"{LAYER}.lora_A.weight", "model.embed_tokens.weight", "plain LoRA"),
        (f"{LAYER}.lora_A.weight", None, "only one half"),
    ],
)
def test_weights_for_other_modules_are_rejected(folder, judge, old, new, sentence):
    def rename(weights: dict[str, np.ndarray]) -> None:
        for name in [name for name in weights if name.startswith(old)]:
            tensor = weights.pop(name)
            if new:
                weights[name.replace(old, new)] = tensor

    rewrite(folder, rename)
    with pytest.raises(Rejected, match=sentence):
        judge()


def test_weights_of_integers_are_rejected(folder, judge):
    def count(weights: dict[str, np.ndarray]) -> None:
        weights[f"{LAYER}.lora_A.weight"] = np.zeros((4, 8), np.int8)

    rewrite(folder, count)
    with pytest.raises(Rejected, match="is I8"):
        judge()


def test_no_weights_at_all_are_rejected(folder, judge):
    rewrite(folder, dict.clear)
    with pytest.raises(Rejected, match=r"no tensor|no LoRA weights"):
        judge()


def test_a_file_over_the_size_limit_is_rejected_without_being_read(folder, judge, monkeypatch):
    monkeypatch.setattr("inference_server.validation.MAX_ADAPTER_BYTES", 1000)
    with pytest.raises(Rejected, match="larger than"):
        judge()


def test_a_hundred_megabytes_are_judged_within_two_seconds(
    publish, registry, base_folder, tmp_path
):
    wide = tmp_path / "wide-base"
    wide.mkdir()
    shape = (16384, 4096)
    (wide / "config.json").write_text("{}")
    layer = {"model.layers.0.self_attn.q_proj.weight": np.zeros(shape, np.float16)}
    save_file(layer, wide / "model.safetensors")
    from inference_server.base_model import inspect

    base = inspect(wide)
    publish(base=wide, rank=1280)
    manifest = registry.manifest("maya", 1)
    began = time.process_time()
    validate(registry.path("maya", 1), "maya", 1, manifest, base, 1280)
    assert (registry.path("maya", 1) / ADAPTER_WEIGHTS).stat().st_size > 100e6
    assert time.process_time() - began < 2
