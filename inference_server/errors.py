"""What can go wrong here, and the shape in which clients of an OpenAI-compatible server hear it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse


class ServerError(Exception):
    """Something was refused or failed; the message is the sentence a person reads.

    ServerError
    ├── CannotServe        the server can't start like this
    ├── BadRequest         the request's body is not what the route takes
    ├── UnknownModel       no such persona or version is served
    ├── NotReadyYet        the persona is still being loaded
    ├── Busy               another rollout of this persona runs
    ├── NothingToRollBack  there is no earlier version
    ├── Rejected           the files of a version must not reach the engine
    ├── EngineRefused      the engine would not load, remove or answer
    ├── ProbeFailed        a version answers worse than the base would
    └── RolloutFailed      a rollout stopped at a step; the old version serves on
    """


class CannotServe(ServerError):
    pass


class BadRequest(ServerError):
    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class UnknownModel(ServerError):
    pass


class NotReadyYet(ServerError):
    pass


class Busy(ServerError):
    def __init__(self, persona: str, step: str) -> None:
        super().__init__(f"another rollout of {persona} is under way (step: {step})")
        self.step = step


class NothingToRollBack(ServerError):
    pass


class Rejected(ServerError):
    pass


class EngineRefused(ServerError):
    pass


class ProbeFailed(ServerError):
    pass


class RolloutFailed(ServerError):
    def __init__(self, step: str, reason: str) -> None:
        super().__init__(f"stopped at step {step}: {reason}")
        self.step, self.reason = step, reason


def refusal(
    status: int,
    message: str,
    code: str,
    *,
    kind: str = "invalid_request_error",
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> JSONResponse:
    """An answer in OpenAI's error shape; `more` stands beside `error`."""
    error = {"message": message, "type": kind, "param": param, "code": code}
    return JSONResponse({"error": error, **more}, status, headers)
