"""Understudy inside vLLM's server: its `vllm.endpoint_plugins` entry point.

Puts our routes and the relay into vLLM's app and wires the rest once the engine runs. Whatever
goes wrong here leaves `app.state.access_keys` unset, and the guard lets nobody in.
"""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from prometheus_client import REGISTRY
from starlette.datastructures import State
from vllm.engine.protocol import EngineClient
from vllm.exceptions import GenerationError

from adapters.registry import (
    BadName,
    BrokenEntry,
    NotWritable,
    Registry,
    RegistryError,
    Unreachable,
)

from . import admin, personas
from .aliases import Aliases
from .audit import Audit
from .base_model import inspect
from .early_errors import answer_given_up
from .engine import VllmEngine
from .errors import (
    Busy,
    NothingToRollBack,
    Refusal,
    RolloutFailed,
    ServerError,
    refusal,
)
from .gate import Gate
from .keys import Keys
from .metrics import Metrics
from .part import Step
from .reconcile import Reconciler, watch_seconds
from .relay import Relay
from .rollout import Rollouts
from .service import Service
from .settings import ServerSettings


class Understudy:
    """Built by vLLM without arguments; the settings come with vLLM's own (`args.understudy`)."""

    name = "understudy"
    required_tasks = ("generate",)

    def attach_router(self, app: FastAPI) -> None:
        app.include_router(personas.router)
        app.include_router(admin.router)
        app.add_middleware(Relay)
        app.add_exception_handler(ServerError, _answer_error)
        app.add_exception_handler(RegistryError, _answer_error)
        app.add_exception_handler(GenerationError, answer_given_up)
        app.router.lifespan_context = _closing(app.router.lifespan_context)

    async def init_state(self, engine_client: EngineClient, state: State, args: Namespace) -> None:
        settings: ServerSettings = args.understudy
        service = build(settings, engine_client, state, Path(args.model))
        service.start()
        state.understudy = service
        state.access_keys = service.keys


def build(
    settings: ServerSettings, engine_client: EngineClient, state: State, base_folder: Path
) -> Service:
    registry = Registry.at(settings.registry, settings.registry_cache)
    engine = VllmEngine(engine_client, state.openai_serving_models, state.openai_serving_chat)
    aliases = Aliases()
    served_base = asyncio.create_task(asyncio.to_thread(inspect, base_folder))
    metrics = Metrics(REGISTRY)
    rollouts = Rollouts(registry, engine, aliases, lambda: asyncio.shield(served_base), metrics)
    watch_s = watch_seconds(registry, settings.registry_watch_s)
    reconciler = Reconciler(
        registry, rollouts, aliases, metrics, watch_s, adopt=settings.adopt_new_versions
    )
    return Service(
        registry=registry,
        engine=engine,
        aliases=aliases,
        rollouts=rollouts,
        reconciler=reconciler,
        gate=Gate(engine.places, settings.max_waiting_requests),
        metrics=metrics,
        keys=Keys.of(settings),
        audit=Audit(settings.audit_log or settings.understudy_home / "logs" / "audit.jsonl"),
        max_body_bytes=int(settings.max_body_mb * 2**20),
        request_seconds=settings.request_seconds,
        base_name=settings.base_model,
        served_base=served_base,
    )


def _closing(inner: Any) -> Any:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Mapping[str, Any] | None]:
        async with inner(app) as state:
            try:
                yield state
            finally:
                await app.state.understudy.close()

    return lifespan


async def _answer_error(_: Request, error: Exception) -> JSONResponse:
    message = str(error)
    match error:
        case Busy(step=step):
            return refusal(409, message, "rollout_running", state=str(step))
        case RolloutFailed(step=step, reason=reason):
            return refusal(422, message, "rollout_failed", step=str(step), reason=reason)
        case NothingToRollBack():
            step = str(Step.VALIDATE)
            return refusal(422, message, "nothing_to_roll_back", step=step, reason=message)
        case Refusal():
            return error.answer()
        case NotWritable() | Unreachable():
            return refusal(503, message, "registry", kind="server_error")
        case BadName():
            return refusal(400, message, "bad_name")
        case BrokenEntry():
            return refusal(422, message, "broken")
        case RegistryError():
            return refusal(404, message, "not_found")
    return refusal(500, message, "server_error", kind="server_error")
