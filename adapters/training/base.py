"""Finds the base model that an adapter is trained on: a folder, or a repository of the Hub."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from adapters.errors import BadBaseModel
from adapters.manifest import Base, base_digest, chat_template_digest

HUB_ID = re.compile(r"[\w][\w.-]*/[\w][\w.-]*")
NEEDED = ("*.json", "*.safetensors", "*.jinja", "*.model", "*.txt")
EXAMPLE = "Qwen/Qwen3-0.6B"
ADVICE = f"set BASE_MODEL to a model's folder or its Hub id, such as {EXAMPLE}"


@dataclass(frozen=True)
class BaseModel:
    name: str
    """What manifests call it; never a path."""
    folder: Path

    def binding(self) -> Base:
        """What an adapter is bound to: the name and the digests of weights and chat template."""
        return Base(
            name=self.name,
            digest=base_digest(self.folder),
            chat_template_digest=chat_template_digest(self.folder),
        )


def find(model: str, name: str | None = None) -> BaseModel:
    """The base model at a path or Hub id. Raises BadBaseModel."""
    path = Path(model).expanduser()
    if path.is_dir():
        return BaseModel(name or path.resolve().name, _complete(path, model))
    if path.exists() or not HUB_ID.fullmatch(model) or model.startswith("."):
        raise BadBaseModel(f"there is no base model in {model}; {ADVICE}")
    return BaseModel(name or model, _complete(_downloaded(model), model))


def _complete(folder: Path, model: str) -> Path:
    for what, pattern in (
        ("config.json", "config.json"),
        ("safetensors weights", "*.safetensors"),
        ("tokenizer", "tokenizer*"),
    ):
        if not any(folder.glob(pattern)):
            raise BadBaseModel(f"the base model {model} has no {what}; {ADVICE}")
    return folder


def _downloaded(hub_id: str) -> Path:
    """The repository's folder in the Hub's cache; downloads only where it is allowed to."""
    import httpx
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    try:
        return Path(snapshot_download(hub_id, allow_patterns=list(NEEDED)))
    except GatedRepoError as error:
        raise BadBaseModel(
            f"{hub_id} is gated: accept its terms on the Hub and log in with `hf auth login`"
        ) from error
    except RepositoryNotFoundError as error:
        raise BadBaseModel(f"the Hub has no model {hub_id}, or it is private; {ADVICE}") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, httpx.HTTPError, OSError) as error:
        raise BadBaseModel(
            f"{hub_id} is not on this machine and the Hub can't be reached "
            f"(is HF_HUB_OFFLINE set?); connect once, or {ADVICE}"
        ) from error
