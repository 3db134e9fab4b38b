"""The /admin routes and /ready: what an operator asks of a running server, each action logged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.manifest import Card
from adapters.registry import RegistryError, checked

from .errors import BadRequest, ServerError
from .part import Outcome
from .relay import parse, read_body
from .service import Service

audit = logging.getLogger("inference_server.audit")
router = APIRouter()
T = TypeVar("T", bound=BaseModel)


class ReloadRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    version: int | None = Field(None, ge=1)


class CardRequest(Card):
    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(slots=True)
class Action:
    """What somebody with the admin key does to a persona."""

    outcome: str = "done"


@contextmanager
def audited(action: str, persona: str) -> Iterator[Action]:
    """Write down who did what to whom, and what came of it."""
    entry = Action()
    try:
        yield entry
    except (ServerError, RegistryError) as error:
        audit.warning("admin: %s %s: refused: %s", action, persona, error)
        raise
    audit.info("admin: %s %s: %s", action, persona, entry.outcome)


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
    return JSONResponse({"ready": True, "degraded": sorted(reconciler.degraded)})


@router.get("/admin/status")
async def status(request: Request) -> JSONResponse:
    service: Service = request.app.state.understudy
    return JSONResponse(_status(service))


@router.put("/admin/personas/{name}")
async def put_card(name: str, request: Request) -> JSONResponse:
    """Make a persona, or change its card. Answers with the card."""
    service: Service = request.app.state.understudy
    with audited("card", name):
        body = parse(await read_body(request.scope, request.receive))
        card = _model(CardRequest, {**body, "name": checked(name)})
        await asyncio.to_thread(service.registry.save_card, card)
        await service.reconciler.settle(name)
    return JSONResponse(card.model_dump(mode="json"))


@router.post("/admin/personas/{name}/reload")
async def reload(name: str, request: Request) -> JSONResponse:
    """Serve a version: `{"version": 3}`, or `{}` for the newest published one."""
    service: Service = request.app.state.understudy
    with audited("reload", name) as action:
        body = await read_body(request.scope, request.receive)
        wanted = _model(ReloadRequest, parse(body or b"{}"))
        outcome = await service.rollouts.reload(name, wanted.version)
        action.outcome = _settled(service, outcome)
    return JSONResponse(asdict(outcome))


@router.post("/admin/personas/{name}/rollback")
async def rollback(name: str, request: Request) -> JSONResponse:
    service: Service = request.app.state.understudy
    with audited("rollback", name) as action:
        outcome = await service.rollouts.rollback(name)
        action.outcome = _settled(service, outcome)
    return JSONResponse(asdict(outcome))


@router.get("/admin/personas/{name}/versions")
async def versions(name: str, request: Request) -> JSONResponse:
    service: Service = request.app.state.understudy
    return JSONResponse(_versions(service, name))


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


def _status(service: Service) -> dict[str, Any]:
    reconciler, engine = service.reconciler, service.engine
    base = service.served_base
    return {
        "ready": reconciler.ready,
        "degraded": reconciler.degraded,
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
        "personas": {name: _part(service, name) for name in service.aliases.personas()},
    }


def _part(service: Service, name: str) -> dict[str, Any]:
    """Desired and actual state of one persona."""
    part = service.rollouts.part(name)
    try:
        desired = service.registry.current(name)
    except RegistryError:
        desired = None
    loaded = [
        {"version": slot.version, "in_flight": service.aliases.in_flight(slot.name)}
        for slot in service.rollouts.slots.of(name)
    ]
    return {
        "desired": desired,
        "serving": part.serving,
        "answered_by": service.aliases.serving(name),
        "drift": desired != part.serving,
        "loaded": loaded,
        "busy": part.busy,
        "rollout": asdict(part.rollout) if part.rollout else None,
    }


def _versions(service: Service, name: str) -> dict[str, Any]:
    registry, part = service.registry, service.rollouts.part(name)
    registry.card(name)
    listed = []
    for version in registry.versions(name):
        entry: dict[str, Any] = {
            "version": version,
            "loaded": service.rollouts.slots.find(name, version) is not None,
            "serving": version == part.serving,
        }
        try:
            manifest = registry.manifest(name, version)
        except RegistryError as error:
            entry["broken"] = str(error)
        else:
            entry["created_at"] = manifest.created_at.isoformat()
            entry["base"] = manifest.base.name
            entry["rank"] = manifest.rank
            entry["evaluation"] = manifest.evaluation
        listed.append(entry)
    return {"persona": name, "serving": part.serving, "versions": listed}
