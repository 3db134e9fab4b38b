"""The /admin routes and /ready: what an operator asks of a running server, each action logged."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.manifest import Card
from adapters.registry import Registry, RegistryError, checked

from .access import HOLDER
from .audit import Action
from .body import parse, read_body
from .errors import BadRequest
from .part import Outcome
from .service import Service

router = APIRouter()
T = TypeVar("T", bound=BaseModel)


class ReloadRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    version: int | None = Field(None, ge=1)


class CardRequest(Card):
    model_config = ConfigDict(extra="forbid", frozen=True)


@router.get("/ready")
async def ready(request: Request) -> JSONResponse:
    """200 once every persona was tried; `degraded` names what serves something else than asked."""
    service: Service = request.app.state.understudy
    reconciler = service.reconciler
    tried, personas = reconciler.progress
    if reconciler.failure or not service.engine.alive():
        reason = reconciler.failure or "the engine has died"
        return JSONResponse({"ready": False, "reason": reason}, 503)
    if not reconciler.ready:
        return JSONResponse(
            {"ready": False, "tried": tried, "personas": personas}, 503, {"Retry-After": "1"}
        )
    registry = "reachable" if reconciler.registry_reachable else "unreachable"
    degraded = sorted(reconciler.degraded)
    return JSONResponse({"ready": True, "degraded": degraded, "registry": registry})


@router.get("/admin/status")
async def status(request: Request) -> JSONResponse:
    service: Service = request.app.state.understudy
    on_disk = await asyncio.to_thread(_on_disk, service.registry, service.aliases.personas())
    return JSONResponse(_status(service, on_disk))


@router.put("/admin/personas/{name}")
async def put_card(name: str, request: Request) -> JSONResponse:
    """Make a persona, or change its card. Answers with the card."""
    service: Service = request.app.state.understudy
    with _audited(request, "card", name):
        body = parse(await read_body(request.scope, request.receive, service.max_body_bytes))
        card = _model(CardRequest, {**body, "name": checked(name)})
        await asyncio.to_thread(_save, service.registry, card)
        await service.reconciler.settle(name)
    return JSONResponse(card.model_dump(mode="json"))


@router.post("/admin/personas/{name}/reload")
async def reload(name: str, request: Request) -> JSONResponse:
    """Serve a version: `{"version": 3}`, or `{}` for the newest published one."""
    service: Service = request.app.state.understudy
    with _audited(request, "reload", name) as action:
        body = await read_body(request.scope, request.receive, service.max_body_bytes)
        wanted = _model(ReloadRequest, parse(body or b"{}"))
        outcome = await service.rollouts.reload(name, wanted.version)
        action.outcome = _settled(service, outcome)
    return JSONResponse(asdict(outcome))


@router.post("/admin/personas/{name}/rollback")
async def rollback(name: str, request: Request) -> JSONResponse:
    service: Service = request.app.state.understudy
    with _audited(request, "rollback", name) as action:
        outcome = await service.rollouts.rollback(name)
        action.outcome = _settled(service, outcome)
    return JSONResponse(asdict(outcome))


@router.get("/admin/personas/{name}/versions")
async def versions(name: str, request: Request) -> JSONResponse:
    service: Service = request.app.state.understudy
    listed = await asyncio.to_thread(_published, service.registry, name)
    serving = service.rollouts.part(name).serving
    for entry in listed:
        version = entry["version"]
        entry["loaded"] = service.rollouts.slots.find(name, version) is not None
        entry["serving"] = version == serving
    return JSONResponse({"persona": name, "serving": serving, "versions": listed})


def _audited(request: Request, what: str, persona: str) -> AbstractContextManager[Action]:
    service: Service = request.app.state.understudy
    return service.audit.action(request.scope[HOLDER], what, persona)


def _settled(service: Service, outcome: Outcome) -> str:
    service.reconciler.settled(outcome.persona, outcome.version)
    return f"version {outcome.version} serves, before it {outcome.previous or 'the base model'}"


def _model(kind: type[T], body: dict[str, Any]) -> T:
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadRequest(f"{where}: {first['msg']}") from None


def _save(registry: Registry, card: Card) -> None:
    """A registry that is gone (a volume that is not mounted) is not begun anew."""
    registry.refresh()
    registry.save_card(card)


def _on_disk(registry: Registry, names: list[str]) -> dict[str, dict[str, int | None]]:
    """What the registry says of each persona; reads files, so it is for a thread."""
    said: dict[str, dict[str, int | None]] = {}
    for name in names:
        said[name] = {"newest": None, "desired": None}
        with suppress(RegistryError, OSError):
            said[name]["newest"] = max(registry.versions(name), default=None)
            said[name]["desired"] = registry.current(name)
    return said


def _status(service: Service, on_disk: dict[str, dict[str, int | None]]) -> dict[str, Any]:
    reconciler, engine = service.reconciler, service.engine
    base = service.served_base
    return {
        "ready": reconciler.ready,
        "degraded": reconciler.degraded,
        "revoked": reconciler.revoked,
        "base": {
            "model": service.base_name,
            "digest": base.result().digest if base.done() and not base.exception() else None,
            "max_context": engine.max_context,
        },
        "engine": {
            "alive": engine.alive(),
            "loaded": len(service.rollouts.slots),
            "max_loaded": engine.max_loaded,
            "max_batched": engine.max_batched,
            "max_rank": engine.max_rank,
        },
        "registry": {
            "reachable": reconciler.registry_reachable,
            "trouble": reconciler.registry_trouble,
        },
        "audit": {"trouble": service.audit.trouble},
        "keys": {"trouble": service.keys.trouble},
        "requests": {
            "running": service.gate.running,
            "waiting": service.gate.waiting,
            "places": service.gate.places,
            "max_waiting": service.gate.max_waiting,
        },
        "personas": {name: _part(service, name, said) for name, said in on_disk.items()},
    }


def _part(service: Service, name: str, said: dict[str, int | None]) -> dict[str, Any]:
    """Desired and actual state of one persona."""
    part = service.rollouts.part(name)
    loaded = [
        {"version": slot.version, "in_flight": service.aliases.in_flight(slot.name)}
        for slot in service.rollouts.slots.of(name)
    ]
    return {
        **said,
        "serving": part.serving,
        "answered_by": service.aliases.serving(name),
        "drift": said["desired"] != part.serving,
        "loaded": loaded,
        "busy": part.busy,
        "rollout": part.rollout.as_json() if part.rollout else None,
    }


def _published(registry: Registry, name: str) -> list[dict[str, Any]]:
    """Every version as its manifest describes it; reads files, so it is for a thread."""
    registry.card(name)
    marked = registry.revoked(name)
    return [
        {"version": version, "revoked": version in marked, **_described(registry, name, version)}
        for version in registry.versions(name)
    ]


def _described(registry: Registry, name: str, version: int) -> dict[str, Any]:
    try:
        manifest = registry.manifest(name, version)
    except RegistryError as error:
        return {"broken": str(error)}
    return {
        "created_at": manifest.created_at.isoformat(),
        "base": manifest.base.name,
        "rank": manifest.rank,
        "evaluation": manifest.evaluation,
    }
