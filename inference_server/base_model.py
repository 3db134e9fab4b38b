"""The base model's folder: where it is, what it is, and the shapes an adapter must fit."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from adapters.manifest import base_digest, chat_template_digest

from .errors import CannotServe, Rejected
from .weights import read_header

WANTED_FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]


@dataclass(frozen=True, slots=True)
class ServedBase:
    """The base model that this server serves.

    `layers` maps a module's path (`model.layers.0.self_attn.q_proj`) to the shape of its weight
    (outputs, inputs), or to None where it is packed (quantised) and its shape is not in the file.
    """

    digest: str
    chat_template_digest: str
    layers: dict[str, tuple[int, int] | None]


def locate(model: str) -> Path:
    """The folder of a model given as a path or a Hub id, fetched where need be.

    Raises CannotServe with a sentence that says what to do.
    """
    path = Path(model).expanduser()
    if not path.exists() and _looks_like_hub_id(model):
        path = _from_hub(model)
    if not path.is_dir():
        raise CannotServe(f"BASE_MODEL: there is no model folder {model}")
    for wanted in ("config.json", "*.safetensors"):
        if not any(path.glob(wanted)):
            raise CannotServe(f"BASE_MODEL: the folder {model} holds no {wanted}")
    return path.absolute()


def inspect(folder: Path) -> ServedBase:
    """Digests and layer shapes of a model folder; reads every byte of it once."""
    return ServedBase(base_digest(folder), chat_template_digest(folder), layers(folder))


def layers(folder: Path) -> dict[str, tuple[int, int] | None]:
    found: dict[str, tuple[int, int] | None] = {}
    for file in sorted(folder.glob("*.safetensors")):
        for name, tensor in read_header(file).items():
            module, _, kind = name.rpartition(".")
            if kind == "weight" and len(tensor.shape) == 2:
                found[module] = (tensor.shape[0], tensor.shape[1])
            elif kind in ("qweight", "weight_packed"):
                found[module] = None
    if not found:
        raise Rejected(f"no layers found in {folder}")
    return found


def _looks_like_hub_id(model: str) -> bool:
    parts = model.split("/")
    return len(parts) <= 2 and all(parts) and not model.startswith((".", "~"))


def _from_hub(model: str) -> Path:
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    try:
        return Path(snapshot_download(model, allow_patterns=WANTED_FILES))
    except HFValidationError:
        raise CannotServe(f"BASE_MODEL: there is no model folder {model}") from None
    except RepositoryNotFoundError:
        raise CannotServe(
            f"BASE_MODEL: there is no model {model} on the Hub that may be read from here "
            "(a private or gated one needs HF_TOKEN)"
        ) from None
    except LocalEntryNotFoundError:
        why = "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else "the Hub can't be reached"
        raise CannotServe(
            f"BASE_MODEL: {model} is neither a folder nor in the local cache, and {why}"
        ) from None
    except (HfHubHTTPError, OSError) as error:
        raise CannotServe(f"BASE_MODEL: {model} can't be fetched: {error}") from error


def max_context(folder: Path) -> int | None:
    """Tokens the model was made for, where its configuration says so."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    length = config.get("max_position_embeddings")
    return length if isinstance(length, int) else None
