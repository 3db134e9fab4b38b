"""What a safetensors header says is believed only where the library itself would believe it."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path
from typing import Any

import pytest
from safetensors import SafetensorError, safe_open

from adapters.manifest import ADAPTER_WEIGHTS
from inference_server.errors import Rejected
from inference_server.weights import check_layout, read_header
from tests.inference_server.real_adapter import LAYER, header, reseal, with_header

A = f"{LAYER}.lora_A.weight"
BYTES = 4 * 320 * 4
DAMAGES = 600


def accepted(path: Path) -> dict[str, tuple[str, list[int]]] | None:
    """Name to type and shape of each tensor, as we read them; None where we refuse the file."""
    try:
        tensors = read_header(path)
        check_layout(path, tensors)
    except Rejected:
        return None
    return {name: (tensor.dtype, list(tensor.shape)) for name, tensor in tensors.items()}


def accepted_by_the_library(path: Path) -> dict[str, tuple[str, list[int]]] | None:
    try:
        with safe_open(path, "np") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            return {name: (part.get_dtype(), part.get_shape()) for name, part in slices.items()}
    except SafetensorError:
        return None


def test_a_file_of_peft_is_read_as_the_library_reads_it(folder):
    path = folder / ADAPTER_WEIGHTS
    assert accepted(path) == accepted_by_the_library(path) is not None


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_damaged_we_accept_only_what_the_library_accepts(folder, tmp_path, seed):
    rng = random.Random(seed)
    whole = (folder / ADAPTER_WEIGHTS).read_bytes()
    end = 8 + struct.unpack("<Q", whole[:8])[0]
    path, both = tmp_path / "damaged.safetensors", 0
    for _ in range(DAMAGES // 4):
        damaged = bytearray(whole)
        for _ in range(rng.choice([1, 1, 1, 2, 5])):
            if rng.random() < 0.7:  # what stands for something in JSON, at places where it matters
                damaged[rng.randrange(8, end)] = rng.choice(b'0123456789-+.eE,:[]{}"\\ \n\0nF\xff')
            else:
                damaged[rng.randrange(end)] ^= 1 << rng.randrange(8)
        if rng.random() < 0.15:
            del damaged[rng.randrange(len(damaged)) :]
        path.write_bytes(damaged)
        ours = accepted(path)
        if ours is not None:
            assert ours == accepted_by_the_library(path)
            both += 1
    assert 0 < both < DAMAGES // 4


@pytest.mark.parametrize("keep", [0, 4, 8, 100, -1])
def test_truncated_weights_are_rejected(folder, refused, keep):
    path = folder / ADAPTER_WEIGHTS
    path.write_bytes(path.read_bytes()[:keep])
    refused("digest differs")
    reseal(folder)
    refused("truncated|not safetensors")


def test_bytes_beyond_the_last_tensor_are_rejected(folder, refused):
    with (folder / ADAPTER_WEIGHTS).open("ab") as file:
        file.write(b"\0")
    reseal(folder)
    refused("not as long as its header says")


@pytest.mark.parametrize(
    "offsets",
    [
        [0, 10**9], [8, 8 + BYTES], [-4, BYTES - 4], [BYTES, 0], [0, BYTES - 1], [1, BYTES],
        [0.0, float(BYTES)], ["0", str(BYTES)], [], [0], [0, BYTES, 0], None, {"0": 1, "1": 2},
        [2**64, 2**64 + BYTES], [0, 10**4000], [False, BYTES], [float("nan"), BYTES], "ab",
    ],
    ids=lambda offsets: str(offsets)[:30],
)  # fmt: skip
def test_offsets_that_lie_are_rejected(folder, refused, offsets):
    entries, _ = header(folder / ADAPTER_WEIGHTS)
    entries[A]["data_offsets"] = offsets
    with_header(folder, json.dumps(entries))
    refused("header")


def test_tensors_that_share_bytes_or_leave_a_hole_are_rejected(folder, refused):
    entries, data = header(folder / ADAPTER_WEIGHTS)
    other = A.replace("layers.0", "layers.1")
    shared = {**entries, A: {**entries[A], "data_offsets": entries[other]["data_offsets"]}}
    with_header(folder, json.dumps(shared), data=data)
    refused("offsets do not fit")
    holed = {name: entry for name, entry in entries.items() if name != A}
    with_header(folder, json.dumps(holed), data=data)
    refused("offsets do not fit")


@pytest.mark.parametrize("length", [0, 1, 100, 2**24 + 1, 2**60, 2**64 - 1])
def test_a_header_that_lies_about_its_length_is_rejected(folder, refused, length):
    entries, data = header(folder / ADAPTER_WEIGHTS)
    with_header(folder, json.dumps(entries), length=length, data=data)
    refused("not safetensors|truncated")


def entry(**changes: Any) -> str:
    return json.dumps({"dtype": "F32", "shape": [1], "data_offsets": [0, 4], **changes})


@pytest.mark.parametrize(
    "text",
    [
        f'{{"a": {entry()}, "a": {entry()}}}',
        f'{{"a": {entry()[:-1]}, "dtype": "F16"}}}}',
        f'{{"a": {entry(more=1)}}}',
        f'{{"a": {entry(shape=[1] * 100_000)}}}',
        f'{{"a": {entry(shape=[10**14] * 100_000)}}}',
        f'{{"a": {entry(shape={})}}}',
        f'{{"a": {entry(shape=[-1])}}}',
        f'{{"a": {entry(shape=[True])}}}',
        f'{{"a": {entry(shape=None)}}}',
        f'{{"a": {entry(dtype="F3")}}}',
        f'{{"a": {entry(dtype="F3", shape=[0], data_offsets=[0, 0])}}}',
        f'{{"a": {entry()[:-2]}-4]}}}}',
        f'{{"a": {entry()}, "__metadata__": {{"n": 1}}}}',
        f'{{"a": {entry()}, "__metadata__": {{"n": "\\ud800"}}}}',
        f'{{"a": {entry()}, "__metadata__": []}}',
        f'{{"\\ud800": {entry()}}}',
        f' {{"a": {entry()}}}',
        f'\ufeff{{"a": {entry()}}}',
        f'[{entry()}]',
        '{"a": 1}', '{"a": null}', '"a"', "1", "{", "{}x", "[" * 100_000, "{" * 100_000,
        '{"a":' * 100_000, "\ud800", "\0" * 64, "1" * 100_000,
    ],
    ids=lambda text: repr(text)[:40],
)  # fmt: skip
def test_a_malformed_header_is_rejected(folder, refused, text):
    with_header(folder, text, data=b"\0" * 4)
    refused("header|known type|truncated")
    assert accepted(folder / ADAPTER_WEIGHTS) is None


def test_a_header_of_many_tensors_is_judged_by_its_first(folder, refused):
    count = 20_000
    entries = {f"t{n}": json.loads(entry(data_offsets=[4 * n, 4 * n + 4])) for n in range(count)}
    with_header(folder, json.dumps(entries), data=bytes(4 * count))
    refused("t0 is not the weight of a plain LoRA")
