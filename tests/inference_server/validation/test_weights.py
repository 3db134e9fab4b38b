"""Weights that do not fit the base, or would spoil everybody's answers, are refused."""

from __future__ import annotations

import math
import tracemalloc

import pytest
import torch

from adapters.manifest import ADAPTER_WEIGHTS
from inference_server.base_model import inspect
from inference_server.settings import STARTER_MODEL
from inference_server.validation import validate
from inference_server.weights import largest, norm, read_header
from tests.inference_server import large, real_adapter
from tests.inference_server.real_adapter import LAYER, RANK, Weights, reconfigure, rewrite

A, B = f"{LAYER}.lora_A.weight", f"{LAYER}.lora_B.weight"
FLOATS = [torch.float32, torch.float16, torch.bfloat16]


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        (A, (RANK, 319)), (A, (RANK, 321)), (A, (320, RANK)), (A, (RANK * 320,)), (A, (3, 320)),
        (B, (319, RANK)), (B, (321, RANK)), (B, (1, 320, RANK)), (B, ()), (B, (0, RANK)),
    ],
)  # fmt: skip
def test_halves_smaller_or_larger_than_the_layer_are_rejected(folder, refused, name, shape):
    rewrite(folder, lambda weights: weights.update({name: torch.zeros(shape)}))
    refused("do not fit the base's layer")


def test_a_shape_other_than_the_manifest_s_is_rejected(folder, refused):
    rewrite(folder, lambda weights: None)
    real_adapter.reseal(folder, shapes={A: [RANK, 319]})
    refused("not the shape that the manifest gives")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (LAYER, LAYER.replace("layers.0", "layers.7"), "no layer"),
        (LAYER, LAYER.replace("q_proj", "x_proj"), "no layer"),
        (LAYER, LAYER.replace("q_proj", "q_proj\n\x1b[2J\u202e"), r"no layer .*\\n\\x1b"),
        (LAYER, LAYER.replace("q_proj", "q_pr\u043ej"), r"no layer .*q_pr\\u043ej"),
        (LAYER, LAYER + "x" * 10_000, "no layer"),
        (LAYER, LAYER.replace("q_proj", "k_proj"), "not among the manifest's target modules"),
        (A, f"{LAYER}.lora_magnitude_vector", "plain LoRA"),
        (A, f"{LAYER}.lora_A.default.weight", "plain LoRA"),
        (A, "base_model.model.lm_head.weight", "plain LoRA"),
        (A, None, "only one half"),
    ],
    ids=lambda value: repr(value)[-40:],
)
def test_weights_of_unknown_modules_are_rejected(folder, refused, old, new, reason):
    def rename(weights: Weights) -> None:
        for name in [name for name in weights if name.startswith(old)]:
            tensor = weights.pop(name)
            if new:
                weights[name.replace(old, new)] = tensor

    rewrite(folder, rename)
    refused(reason)


@pytest.mark.parametrize("dtype", [torch.int8, torch.float64, torch.float8_e4m3fn, torch.complex64])
def test_weights_of_another_type_are_rejected(folder, refused, dtype):
    rewrite(folder, lambda weights: weights.update({A: weights[A].to(dtype)}))
    refused("save it as F32, F16 or BF16")


def test_no_weights_at_all_are_rejected(folder, refused):
    rewrite(folder, dict.clear)
    refused("no LoRA weights")


@pytest.mark.parametrize("value", [math.nan, -math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", FLOATS)
def test_nan_and_infinity_are_rejected(adapter, refused, dtype, value):
    folder = adapter(dtype=dtype)

    def spoil(weights: Weights) -> None:
        assert weights[B].dtype == dtype
        weights[B][-1, -1] = value

    rewrite(folder, spoil)
    refused("NaN or infinity")


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_finite_weight_too_large_for_the_engine_is_not_called_infinite(adapter, refused, dtype):
    def shout(weights: Weights) -> None:
        weights[A][0, 0] = -torch.finfo(dtype).max
        weights[B].zero_()  # which would make NaN of it in the engine

    rewrite(adapter(dtype=dtype), shout)
    refused("above 1000: its training has diverged")


@pytest.mark.parametrize("dtype", FLOATS)
def test_weights_that_would_drown_the_base_are_rejected(adapter, refused, dtype):
    def shout(weights: Weights) -> None:
        for weight in weights.values():
            weight.mul_(100)

    rewrite(adapter(dtype=dtype), shout)
    refused("on average, above 10: its training has diverged")


def test_a_few_large_weights_among_small_ones_pass(folder, judge):
    def spike(weights: Weights) -> None:
        weights[A][0, 0] = weights[B][0, 0] = 20.0

    rewrite(folder, spike)
    judge()


def test_a_small_scaling_does_not_hide_weights_nor_small_weights_a_scaling(folder, refused):
    rewrite(folder, lambda weights: weights[A].fill_(5000.0))
    reconfigure(folder, lora_alpha=1e-9)
    refused("diverged")
    rewrite(folder, lambda weights: weights[A].fill_(1e-9))
    reconfigure(folder, lora_alpha=1e9)
    refused("diverged")


@pytest.mark.parametrize("sign", [-1, 1, 0])
@pytest.mark.parametrize("dtype", FLOATS)
def test_measures_are_those_of_torch(tmp_path, dtype, sign):
    """More than a piece of them, with zeros of both signs and the smallest of numbers."""
    torch.manual_seed(0)
    tensor = torch.randn(3, 400_001)
    tensor = (tensor.abs() * sign if sign else tensor).to(dtype)
    tensor[0, :3] = torch.tensor([0.0, -0.0, torch.finfo(dtype).smallest_normal / 2]).to(dtype)
    path = tmp_path / ADAPTER_WEIGHTS
    real_adapter.save_file({"small": tensor[0, :5].clone(), "tensor": tensor}, path)
    found = read_header(path)["tensor"]
    with path.open("rb", buffering=0) as file:
        assert largest(file, "tensor", found) == tensor.float().abs().max().item()
        assert norm(file, found) == pytest.approx(tensor.double().norm().item(), rel=1e-5)


def test_a_hundred_megabytes_are_judged_in_a_few(registry, tmp_path):
    base = large.wide_base(STARTER_MODEL, tmp_path / "wide")
    large.large(registry, "maya", base, tmp_path / "source", dtype=torch.bfloat16)
    folder, manifest, served = registry.path("maya", 1), registry.manifest("maya", 1), inspect(base)
    tracemalloc.start()
    validate(folder, "maya", 1, manifest, served, 512)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (folder / ADAPTER_WEIGHTS).stat().st_size > 100e6
    assert peak < 8e6
