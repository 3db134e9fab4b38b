"""What can go wrong here, and the shape in which clients of an OpenAI-compatible server hear it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse


class ServerError(Exception):
    """Something was refused or failed; the message is the sentence a person reads.

    ServerError
    ├── CannotServe        the server can't start like this
    ├── Refusal            a request that no model answers
    │   ├── BadRequest     its body is not what the route takes
    │   ├── UnknownModel   no such persona or version is served
    │   ├── NotReadyYet    the persona is still being loaded
    │   ├── TooBusy        too many requests wait already
    │   └── TookTooLong    its time is over
    ├── Busy               another rollout of this persona runs
    ├── NothingToRollBack  there is no earlier version
    ├── Rejected           the files of a version must not reach the engine
    ├── EngineRefused      the engine would not load, remove or answer
    ├── ProbeFailed        a version answers worse than the base would
    └── RolloutFailed      a rollout stopped at a step; the old version serves on
    """


class CannotServe(ServerError):
    pass


class Refusal(ServerError):
    """A request that gets no answer from a model, as its client hears it."""

    status = 400
    code = "bad_request"
    kind = "invalid_request_error"
    param: str | None = None
    headers: Mapping[str, str] = {}

    def answer(self) -> JSONResponse:
        return refusal(
            self.status, str(self), self.code,
            kind=self.kind, param=self.param, headers=self.headers,
        )  # fmt: skip


class BadRequest(Refusal):
    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class UnknownModel(Refusal):
    status, code, param = 404, "model_not_found", "model"


class NotReadyYet(Refusal):
    status, code, kind, param = 503, "not_ready", "server_error", "model"
    headers: Mapping[str, str] = {"Retry-After": "2"}


class TooBusy(Refusal):
    status, code, kind = 429, "too_busy", "rate_limit_error"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"Too many requests wait already; try again in {retry_after_s} s.")
        self.headers = {"Retry-After": str(retry_after_s)}


class TookTooLong(Refusal):
    status, code, kind = 504, "took_too_long", "server_error"
    # OpenAI's clients would ask for the same long answer again by themselves.
    headers: Mapping[str, str] = {"x-should-retry": "false"}

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The answer was not ready within {seconds:g} s and was stopped.")


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
    """`kind` is the reason in a word, for counting."""

    def __init__(self, step: str, reason: str, kind: str = "rejected") -> None:
        super().__init__(f"stopped at step {step}: {reason}")
        self.step, self.reason, self.kind = step, reason, kind


def error_body(
    message: str, code: str, kind: str = "invalid_request_error", param: str | None = None
) -> dict[str, Any]:
    """An error in OpenAI's shape."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


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
    return JSONResponse({**error_body(message, code, kind, param), **more}, status, headers)
