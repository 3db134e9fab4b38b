"""What is known of a persona and of one published version, as files say it.

Knows the shapes of `persona.toml` and `manifest.json` and how files are digested; knows nothing
of where they are kept (`registry`), of torch or of any server.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
BASE = "base"
"""The base model's reserved name: no persona may have it."""
ADAPTER_CONFIG, ADAPTER_WEIGHTS, MANIFEST = (
    "adapter_config.json",
    "adapter_model.safetensors",
    "manifest.json",
)

PersonaName = Annotated[str, StringConstraints(pattern=rf"^{NAME.pattern}$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Sampling(_Frozen):
    """How a persona's answers are drawn; what is None is left to the server."""

    temperature: float = Field(default=0.8, ge=0, le=2)
    top_p: float = Field(default=0.95, gt=0, le=1)
    max_tokens: int = Field(default=120, ge=1, le=4096)
    top_k: int | None = Field(default=None, ge=0)
    min_p: float | None = Field(default=None, ge=0, le=1)
    repetition_penalty: float | None = Field(default=None, gt=0, le=2)


class PromptFormat(_Frozen):
    """How system prompt, speaker labels, bursts and window are laid out as chat messages.

    Training and serving both render by it, so that what is served is what was trained.
    """

    version: Literal[1] = 1
    speaker_label: str = "{name}: "
    burst_separator: str = "\n"
    window_messages: int = Field(default=16, ge=1, le=1000)


class Card(_Frozen):
    """A persona as people meet it."""

    name: PersonaName
    display_name: str = Field(min_length=1, max_length=80)
    avatar: str | None = None
    system_prompt: str = ""
    greeting: str | None = None
    sampling: Sampling = Sampling()
    starters: tuple[str, ...] = ()
    prompt_format: PromptFormat = PromptFormat()


class Base(_Frozen):
    """The base model that an adapter was trained on."""

    name: str
    digest: str
    chat_template_digest: str


class Dataset(_Frozen):
    """What an adapter learned from."""

    digest: str
    examples: int
    held_out: int
    layout: str = "conversations"
    """How its rows were cut: "dialogue" is learned whole, whoever speaks."""
    first: datetime | None = None
    last: datetime | None = None


class Manifest(_Frozen):
    """All that binds one immutable version of a persona together."""

    schema_version: Literal[1] = 1
    persona: PersonaName
    version: int = Field(ge=1, lt=10**9)
    created_at: datetime
    base: Base
    rank: int = Field(ge=1, le=4096)
    target_modules: tuple[str, ...]
    shapes: dict[str, tuple[int, ...]]
    files: dict[str, str]
    """File name to SHA-256, for every file of the version but the manifest itself."""
    dataset: Dataset
    recipe: dict[str, Any] = {}
    seed: int
    evaluation: dict[str, FiniteFloat] = {}
    consent: dict[str, Any] | None = None
    system_prompt: str
    prompt_format: PromptFormat = PromptFormat()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def base_digest(folder: Path) -> str:
    """One SHA-256 over a base model's configuration and weights, whatever it is called.

    Raises FileNotFoundError where the folder holds no model.
    """
    files = [folder / "config.json", *sorted(folder.glob("*.safetensors"))]
    if len(files) == 1:
        raise FileNotFoundError(f"no safetensors weights in {folder}")
    lines = [f"{path.name} {file_digest(path)}" for path in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def chat_template_digest(folder: Path) -> str:
    """SHA-256 of the chat template, from its own file or the tokenizer's configuration."""
    template = folder / "chat_template.jinja"
    if template.exists():
        return hashlib.sha256(template.read_bytes()).hexdigest()
    config = folder / "tokenizer_config.json"
    text = json.loads(config.read_text("utf-8")).get("chat_template") if config.exists() else None
    return hashlib.sha256(json.dumps(text).encode()).hexdigest()
