"""The /admin routes of our inference server for the stub model server, over its list of personas.

As in inference_server/admin.py: shapes, statuses and the order of a rollout's steps; cards are
checked by the same model. A test may hold a rollout at a step, or let it fail there.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from pydantic import ConfigDict, ValidationError

from adapters.manifest import Card
from adapters.registry import RegistryError, checked

STEPS = ("validate", "load", "probe", "commit", "flip", "drain", "retire")
Answer = tuple[int, Any]
Json = dict[str, Any]


class CardRequest(Card):
    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass
class AdminRoutes:
    """`personas` are the entries of GET /personas, which a rollout and a card change."""

    personas: list[Json]
    holds: dict[str, asyncio.Event] = field(default_factory=dict)
    """A step goes on when its event is set."""
    fails: dict[str, str] = field(default_factory=dict)
    """The reason with which a step fails."""
    rollouts: dict[str, Json] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)
    before: dict[str, list[int]] = field(default_factory=dict)
    desired: dict[str, int | None] = field(default_factory=dict)
    """What the registry says where it is not what is served."""
    degraded: dict[str, str] = field(default_factory=dict)
    ready: bool = True
    reachable: bool = True
    trouble: str | None = None
    audit_trouble: str | None = None
    keys_trouble: str | None = None

    async def answer(self, method: str, path: str, body: Json) -> Answer:
        match method, path.strip("/").split("/")[1:]:
            case "GET", ["status"]:
                return 200, self._status()
            case "PUT", ["personas", name]:
                return self._put(name, body)
            case "GET", ["personas", name, "versions"]:
                return self._versions(name)
            case "POST", ["personas", name, "reload"]:
                return await self._reload(name, body.get("version"))
            case "POST", ["personas", name, "rollback"]:
                return await self._rollback(name)
        return _refusal(404, "Not Found", "not_found")

    def _status(self) -> Json:
        return {
            "ready": self.ready,
            "degraded": self.degraded,
            "base": {"model": "tiny", "digest": "0" * 64, "max_context": 1024},
            "engine": {"alive": True, "loaded": 1, "max_loaded": 4, "max_rank": 16},
            "registry": {"reachable": self.reachable, "trouble": self.trouble},
            "audit": {"trouble": self.audit_trouble},
            "keys": {"trouble": self.keys_trouble},
            "requests": {"running": 0, "waiting": 0, "places": 8, "max_waiting": 64},
            "personas": {one["name"]: self._part(one) for one in self.personas},
        }

    def _part(self, one: Json) -> Json:
        name, serving = one["name"], one["current"]
        desired = self.desired.get(name, serving)
        return {
            "newest": max(one["versions"], default=None),
            "desired": desired,
            "serving": serving,
            "answered_by": f"{name}@{serving}" if serving else "base",
            "drift": desired != serving,
            "loaded": [{"version": serving, "in_flight": 0}] if serving else [],
            "busy": name in self.busy,
            "rollout": self.rollouts.get(name),
        }

    def _put(self, name: str, body: Json) -> Answer:
        try:
            card = CardRequest.model_validate({**body, "name": checked(name)})
        except RegistryError as error:
            return _refusal(400, str(error), "bad_name")
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            return _refusal(400, f"{where}: {first['msg']}", "bad_request")
        there = self._find(name)
        entry = card.model_dump(mode="json")
        if there is None:
            self.personas.append(entry | {"current": None, "versions": []})
        else:
            there.update(entry)
        return 200, entry

    def _versions(self, name: str) -> Answer:
        one = self._find(name)
        if one is None:
            return self._unknown(name)
        serving = one["current"]
        listed = [
            {
                "version": version,
                "created_at": f"2026-03-{version:02}T12:00:00+00:00",
                "base": "tiny",
                "rank": 8,
                "evaluation": {},
                "loaded": version == serving,
                "serving": version == serving,
            }
            for version in one["versions"]
        ]
        return 200, {"persona": name, "serving": serving, "versions": listed}

    async def _reload(self, name: str, version: int | None) -> Answer:
        one = self._find(name)
        if one is None:
            return self._unknown(name)
        version = version or max(one["versions"], default=None)
        if version is None:
            return _failed("validate", f"{name} has no published version yet")
        previous = one["current"]
        answer = await self._change(one, version)
        if answer[0] == 200 and previous not in (None, version):
            self.before.setdefault(name, []).append(previous)
        return answer

    async def _rollback(self, name: str) -> Answer:
        one = self._find(name)
        if one is None:
            return self._unknown(name)
        older = [version for version in one["versions"] if version < (one["current"] or 0)]
        choice = [*older, *self.before.get(name, [])]
        if not choice:
            message = f"{name} has no earlier version to go back to"
            return _refusal(422, message, "nothing", step="validate", reason=message)
        return await self._change(one, choice[-1])

    async def _change(self, one: Json, version: int) -> Answer:
        name, began = one["name"], monotonic()
        if name in self.busy:
            message = f"another rollout of {name} is under way"
            return _refusal(409, message, "rollout_running", state="load")
        rollout: Json = {"version": version, "step": "", "reason": None, "seconds": {}}
        self.rollouts[name] = rollout
        self.busy.add(name)
        try:
            for step in STEPS:
                rollout["step"] = step
                if step in self.holds:
                    await self.holds[step].wait()
                if version not in one["versions"]:
                    self.fails.setdefault(step, f"{name} has no version {version}")
                if step in self.fails:
                    reason = self.fails[step]
                    rollout.update(step="failed", reason=f"{step}: {reason}")
                    return _failed(step, reason)
                rollout["seconds"][step] = 0.01
            previous, one["current"], rollout["step"] = one["current"], version, "done"
            seconds = round(monotonic() - began, 3)
            return 200, {
                "persona": name,
                "version": version,
                "previous": previous,
                "seconds": seconds,
            }
        finally:
            self.busy.discard(name)

    def _find(self, name: str) -> Json | None:
        return next((one for one in self.personas if one["name"] == name), None)

    def _unknown(self, name: str) -> Answer:
        return _refusal(404, f"there is no persona {name!r}", "not_found")


def _failed(step: str, reason: str) -> Answer:
    message = f"stopped at step {step}: {reason}"
    return _refusal(422, message, "rollout_failed", step=step, reason=reason)


def _refusal(status: int, message: str, code: str, **more: Any) -> Answer:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return status, {"error": error, **more}
