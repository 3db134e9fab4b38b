"""GET /personas and /v1/models: who can be talked to, as the bot and OpenAI's clients read it."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import PurePath
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from adapters.manifest import BASE, Manifest
from adapters.registry import Registry, RegistryError, UnknownPersona

from .service import Service
from .slots import Slot

log = logging.getLogger(__name__)
router = APIRouter()


def persona(registry: Registry, name: str, serving: Slot | None) -> dict[str, Any]:
    """A persona as listed; a version's own prompt and format win over the card's.

    They are those that it was loaded with, whatever became of its files. Raises RegistryError.
    """
    card = registry.card(name)
    listed = card.model_dump(mode="json", exclude={"sampling"})
    listed["sampling"] = card.sampling.model_dump(exclude_none=True)
    if serving is not None:
        manifest = Manifest.model_validate_json(serving.sealed)
        listed["system_prompt"] = manifest.system_prompt or card.system_prompt
        listed["prompt_format"] = manifest.prompt_format.model_dump()
        listed["about"] = about(manifest, registry)
    current = serving.version if serving else None
    return {**listed, "current": current, "versions": registry.versions(name)}


def about(manifest: Manifest, registry: Registry) -> dict[str, Any]:
    """What anybody may know of a version: of what it was made and when, how well it learned.

    Nobody's name, nothing of consent, and of a base model no folder. `since` is when it became
    current, where files tell.
    """
    data, since = manifest.dataset, registry.current_since(manifest.persona, manifest.version)
    return {
        "version": manifest.version,
        "published": manifest.created_at.isoformat(),
        "since": since and since.isoformat(),
        "base": PurePath(manifest.base.name).name,
        "examples": data.examples,
        "first": data.first and data.first.isoformat(),
        "last": data.last and data.last.isoformat(),
        "dataset": data.digest[:12],
        "evaluation": manifest.evaluation,
    }


def personas(registry: Registry, serving: dict[str, Slot | None]) -> list[dict[str, Any]]:
    """Every persona whose files can be read, by name. Raises Unreachable where none can be."""
    listed = []
    for name, slot in serving.items():
        try:
            listed.append(persona(registry, name, slot))
        except RegistryError as error:
            log.warning("%s is not listed: %s", name, error)
    if serving and not listed and not registry.remote:
        registry.refresh()
    return listed


@router.get("/personas")
async def list_personas(request: Request) -> JSONResponse:
    service: Service = request.app.state.understudy
    names = service.aliases.personas()
    serving = {name: service.rollouts.serving(name) for name in names}
    return JSONResponse(await asyncio.to_thread(personas, service.registry, serving))


@router.get("/personas/{name}")
async def show_persona(name: str, request: Request) -> JSONResponse:
    service: Service = request.app.state.understudy
    if name not in service.aliases.personas():
        known = ", ".join(service.aliases.personas()) or "none yet"
        raise UnknownPersona(f"there is no persona {name!r}; there is: {known}")
    serving = service.rollouts.serving(name)
    return JSONResponse(await asyncio.to_thread(persona, service.registry, name, serving))


@router.get("/v1/models")
async def list_models(request: Request) -> JSONResponse:
    """The base and every persona under the names that may be asked for, as OpenAI lists models."""
    service: Service = request.app.state.understudy
    base = _model(BASE, service.base_name, None, service.engine.max_context)
    others = [
        {
            **_model(name, service.aliases.serving(name), BASE, service.engine.max_context),
            "current": service.rollouts.part(name).serving,
        }
        for name in service.aliases.personas()
    ]
    return JSONResponse({"object": "list", "data": [base, *others]})


def _model(name: str, root: str | None, parent: str | None, max_context: int) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": int(time.time()),
        "owned_by": "understudy",
        "root": root,
        "parent": parent,
        "max_model_len": max_context,
    }
