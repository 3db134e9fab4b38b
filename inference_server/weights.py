"""Reads safetensors files without trusting them: headers first, tensors only to measure them.

Knows the file format; knows nothing of adapters, personas or servers.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .errors import Rejected

MAX_HEADER_BYTES = 16 * 1024 * 1024
BYTES_PER_ITEM = {
    "F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2,
    "U16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "I8": 1, "U8": 1, "BOOL": 1,
}  # fmt: skip
FLOATS = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}
"""How weights lie in a file; NumPy has no bfloat16, which is the upper half of a float32."""
ITEMS_AT_ONCE = 1 << 22


@dataclass(frozen=True, slots=True)
class Tensor:
    """Where a tensor lies in its file; offsets in bytes from the file's beginning."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read_header(path: Path) -> dict[str, Tensor]:
    """The tensors that a file says it holds. Raises Rejected where the header lies."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, MAX_HEADER_BYTES):
            raise Rejected(f"{path.name} is truncated or not a safetensors file")
        raw = file.read(length)
    try:
        entries = json.loads(raw)
        tensors = {
            name: _tensor(entry, 8 + length)
            for name, entry in entries.items()
            if name != "__metadata__"
        }
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Rejected(f"{path.name} has a header that is not safetensors") from None
    return tensors


def _tensor(entry: dict[str, Any], data: int) -> Tensor:
    shape, (begin, end) = tuple(entry["shape"]), entry["data_offsets"]
    numbers = (*shape, begin, end)
    if not all(type(n) is int and 0 <= n < 1 << 48 for n in numbers):
        raise ValueError("sizes are whole numbers")
    return Tensor(str(entry["dtype"]), shape, data + begin, data + end)


def check_layout(path: Path, tensors: dict[str, Tensor]) -> None:
    """Raises Rejected unless the tensors fill the file exactly, each with its shape's bytes."""
    at = min((t.begin for t in tensors.values()), default=0)
    with path.open("rb") as file:
        data = 8 + int.from_bytes(file.read(8), "little")
    if at != data:
        raise Rejected(f"{path.name}: no tensor begins where the header ends")
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].begin, item[1].end)):
        bytes_needed = math.prod(tensor.shape) * BYTES_PER_ITEM.get(tensor.dtype, -1)
        if tensor.begin != at or tensor.end - tensor.begin != bytes_needed:
            raise Rejected(f"{path.name}: the header's offsets do not fit the tensor {name[:120]}")
        at = tensor.end
    if at != path.stat().st_size:
        raise Rejected(f"{path.name} is not as long as its header says (truncated?)")


def norm(path: Path, name: str, tensor: Tensor) -> float:
    """The Frobenius norm of a tensor of floats, read in pieces of a few MB.

    Raises Rejected where a weight is NaN or infinite.
    """
    items = np.memmap(path, FLOATS[tensor.dtype], "r", tensor.begin, (math.prod(tensor.shape),))
    squares = 0.0
    for start in range(0, len(items), ITEMS_AT_ONCE):
        piece = _as_float32(items[start : start + ITEMS_AT_ONCE])
        square = float(np.dot(piece, piece))
        if not math.isfinite(square) and not np.isfinite(piece).all():
            raise Rejected(f"{path.name}: {name[:120]} holds NaN or infinity")
        squares += square
    return math.sqrt(squares)


def _as_float32(piece: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.float32]]:
    if piece.dtype == np.uint16:
        return (piece.astype(np.uint32) << 16).view(np.float32)
    return piece.astype(np.float32, copy=False)
