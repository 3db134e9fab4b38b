"""A finished training on disk: $UNDERSTUDY_HOME/runs/NAME/, ready to be published.

Holds the adapter's files and the manifest that binds them, whose version number is a placeholder
until it is published. Light: reads shapes from the file's header, without torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from adapters.dataset.report import ImportReport
from adapters.errors import NoRun
from adapters.folders import settle
from adapters.manifest import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    MANIFEST,
    NAME,
    Base,
    Dataset,
    Manifest,
    file_digest,
)

UNPUBLISHED = 1
"""Stands where a version number must; publishing replaces it."""
MAX_HEADER_BYTES = 100 << 20


@dataclass(frozen=True)
class Run:
    folder: Path
    manifest: Manifest


def folder(home: Path, persona: str) -> Path:
    return home / "runs" / persona


def names(home: Path) -> list[str]:
    """The personas that have a run."""
    found = {path.name for path in (home / "runs").glob("[!.]*")}
    found |= {path.name[1:-4] for path in (home / "runs").glob(".*.old")}
    return sorted(name for name in found if NAME.fullmatch(name))


def describe(
    adapter: Path,
    report: ImportReport,
    base: Base,
    recipe: Mapping[str, Any],
    seed: int,
    evaluation: Mapping[str, float],
    consent: Mapping[str, Any] | None = None,
) -> Manifest:
    """The manifest of the adapter that lies in a folder; also makes its config name no path."""
    config = adapter / ADAPTER_CONFIG
    settings = json.loads(config.read_text("utf-8"))
    settings["base_model_name_or_path"] = base.name
    # PEFT lists every layer's module in full where it chose them itself; servers know the kinds.
    kinds = {name.rsplit(".", 1)[-1] for name in settings["target_modules"]}
    settings["target_modules"] = sorted(kinds)
    config.write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n", "utf-8")
    return Manifest(
        persona=report.persona,
        version=UNPUBLISHED,
        created_at=datetime.now(UTC).replace(microsecond=0),
        base=base,
        rank=settings["r"],
        target_modules=tuple(settings["target_modules"]),
        shapes=shapes(adapter / ADAPTER_WEIGHTS),
        files={name: file_digest(adapter / name) for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS)},
        dataset=Dataset(
            digest=report.digest,
            examples=report.examples,
            held_out=report.held_out,
            first=report.first,
            last=report.last,
        ),
        recipe=dict(recipe),
        seed=seed,
        evaluation=dict(evaluation),
        consent=None if consent is None else dict(consent),
        system_prompt=report.system_prompt,
        prompt_format=report.prompt_format,
    )


def shapes(weights: Path) -> dict[str, tuple[int, ...]]:
    """Tensor names and shapes from a safetensors file's header. Raises ValueError."""
    with weights.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if not 2 <= size <= MAX_HEADER_BYTES:
            raise ValueError(f"{weights.name} is not a safetensors file")
        header = json.loads(file.read(size))
    return {name: tuple(t["shape"]) for name, t in header.items() if name != "__metadata__"}


def load(home: Path, persona: str) -> Run:
    """The persona's run, as it was trained. Raises NoRun with the command that makes one."""
    source = settle(folder(home, persona))
    again = f"run: understudy train {persona}"
    try:
        manifest = Manifest.model_validate_json((source / MANIFEST).read_bytes())
        digests = {name: file_digest(source / name) for name in manifest.files}
    except FileNotFoundError:
        raise NoRun(f"{persona} was not trained yet; {again}") from None
    except (OSError, ValidationError) as error:
        raise NoRun(f"{source} can't be read; {again}") from error
    if digests != manifest.files or manifest.persona != persona:
        raise NoRun(f"the files in {source} are not the ones that were trained; {again}")
    return Run(source, manifest)
