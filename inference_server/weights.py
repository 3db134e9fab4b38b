"""Reads safetensors files without trusting them: headers first, tensors only to measure them.

Knows the file format; knows nothing of adapters, personas or servers. What it takes, the
safetensors library takes as well. Files are read in pieces, never mapped: one that is cut short
while it is read would end the whole process.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np

from .errors import Rejected

MAX_HEADER_BYTES = 16 * 1024 * 1024
BYTES_PER_ITEM = {
    "F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2,
    "U16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "I8": 1, "U8": 1, "BOOL": 1,
}  # fmt: skip
MAX_DIMENSIONS = 8
"""The bytes that a million of them ask for would be multiplied for hours."""
FLOATS = ("F32", "F16", "BF16")
PIECE_BYTES = 1 << 20
"""Stays in a core's cache between its reading and its measuring."""
AGAIN = "publish the persona again"


@dataclass(frozen=True, slots=True)
class Tensor:
    """Where a tensor lies in its file; offsets in bytes from the file's beginning."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def shown(text: str) -> str:
    """A stranger's text as it may stand in a sentence: short, on one line, look-alikes bare."""
    return ascii(text[:120])[1:-1]


def read_header(path: Path) -> dict[str, Tensor]:
    """The tensors that a file says it holds. Raises Rejected where the header lies."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, MAX_HEADER_BYTES):
            raise Rejected(f"{path.name} is truncated or not a safetensors file; {AGAIN}")
        raw = file.read(length)
    try:
        return _tensors(raw, 8 + length)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Rejected(f"{path.name} has a header that is not safetensors; {AGAIN}") from None


def _tensors(raw: bytes, data: int) -> dict[str, Tensor]:
    text = raw.decode("utf-8")
    if not text.startswith("{"):
        raise ValueError("a header begins with a brace")
    entries = json.loads(text, object_pairs_hook=_once, parse_int=_whole)
    "".join(entries.pop("__metadata__", {}).values()).encode("utf-8")  # notes are text, or nothing
    return {name: _tensor(entry, data) for name, entry in entries.items()}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; readers differ in which of two values under one key they believe."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    "".join(found).encode("utf-8")  # half a surrogate pair is no text
    return found


def _whole(digits: str) -> int:
    if not digits.isdigit() or len(digits) > 15:
        raise ValueError("sizes are whole numbers")
    return int(digits)


def _tensor(entry: dict[str, Any], data: int) -> Tensor:
    shape, offsets = entry["shape"], entry["data_offsets"]
    if len(entry) != 3 or not isinstance(shape, list) or not isinstance(offsets, list):
        raise ValueError("a tensor has a dtype, a shape and offsets")
    begin, end = offsets
    if not all(type(n) is int for n in (*shape, begin, end)) or len(shape) > MAX_DIMENSIONS:
        raise ValueError("sizes are a few whole numbers")
    return Tensor(str(entry["dtype"]), tuple(shape), data + begin, data + end)


def check_layout(path: Path, tensors: dict[str, Tensor]) -> None:
    """Raises Rejected unless the tensors fill the file exactly, each with its shape's bytes."""
    with path.open("rb") as file:
        at = 8 + int.from_bytes(file.read(8), "little")
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].begin, item[1].end)):
        if tensor.dtype not in BYTES_PER_ITEM:
            raise Rejected(f"{shown(name)} is of no known type; save it as F32, F16 or BF16")
        bytes_needed = math.prod(tensor.shape) * BYTES_PER_ITEM[tensor.dtype]
        if tensor.begin != at or tensor.end - tensor.begin != bytes_needed:
            raise Rejected(
                f"{path.name}: the header's offsets do not fit the tensor {shown(name)}; {AGAIN}"
            )
        at = tensor.end
    if at != path.stat().st_size:
        raise Rejected(f"{path.name} is not as long as its header says (truncated?); {AGAIN}")


def largest(file: FileIO, name: str, tensor: Tensor) -> float:
    """The largest magnitude among a tensor's floats. Raises Rejected for NaN or infinity.

    It is read off their bits. Without its sign a float sorts as the whole number with the same
    bits, NaN and infinity last; so the largest signed number is the largest positive float, and
    the largest unsigned one, where there are negative floats, is the largest of them.
    """
    signed, unsigned = (np.int32, np.uint32) if tensor.dtype == "F32" else (np.int16, np.uint16)
    without_sign, top = np.iinfo(signed).max, 0
    for piece in _pieces(file, tensor):
        above, below = np.frombuffer(piece, signed).max(), np.frombuffer(piece, unsigned).max()
        top = max(top, int(above), int(below) & int(without_sign))
    magnitude = float(_floats(np.array([top], unsigned).data, tensor.dtype)[0])
    if not math.isfinite(magnitude):
        raise Rejected(f"{shown(name)} holds NaN or infinity: its training diverged; train again")
    return magnitude


def norm(file: FileIO, tensor: Tensor) -> float:
    """The Frobenius norm of a tensor whose floats are finite and small enough to be squared."""
    squares = 0.0
    for piece in _pieces(file, tensor):
        floats = _floats(piece, tensor.dtype)
        squares += float(np.dot(floats, floats))
    return math.sqrt(squares)


def _pieces(file: FileIO, tensor: Tensor) -> Iterator[memoryview]:
    """A tensor's bytes in order; each piece is good until the next one is asked for."""
    left = tensor.end - tensor.begin
    buffer = memoryview(bytearray(min(left, PIECE_BYTES)))
    file.seek(tensor.begin)
    while left:
        piece = buffer[: min(left, PIECE_BYTES)]
        if file.readinto(piece) != len(piece):
            raise Rejected(f"the weights were cut short while they were read; {AGAIN}")
        yield piece
        left -= len(piece)


def _floats(piece: memoryview, dtype: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    if dtype == "BF16":  # NumPy has no bfloat16, which is the upper half of a float32
        return (np.frombuffer(piece, np.uint16).astype(np.uint32) << 16).view(np.float32)
    kind = np.float32 if dtype == "F32" else np.float16
    return np.frombuffer(piece, kind).astype(np.float32, copy=False)
