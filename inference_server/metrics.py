"""What Prometheus may know: who was asked, how fast the answers came, how rollouts went.

Labels are personas, versions and outcomes, never what somebody sent. The series that were unused
for longest are dropped, so that a year of rollouts leaves no trace in memory.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from adapters.manifest import BASE

PREFIX = "understudy_"
SERIES_KEPT = 256
"""Personas in a version whose series are kept."""
FIRST_TOKEN_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
BETWEEN_TOKENS_S = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1, 2.5, 10)
WHOLE_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
STEP_S = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60)


@dataclass(frozen=True, slots=True)
class Series:
    """The metrics of one persona in one version, looked up once a request."""

    first_token: Histogram
    between_tokens: Histogram
    whole: Histogram
    prompt_tokens: Counter
    completion_tokens: Counter


class Metrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        who = ["persona", "version"]

        def counter(name: str, about: str, labels: list[str]) -> Counter:
            return Counter(PREFIX + name, about, labels, registry=registry)

        def histogram(name: str, about: str, labels: list[str], buckets: Any) -> Histogram:
            return Histogram(PREFIX + name, about, labels, registry=registry, buckets=buckets)

        self._registry = registry
        self._requests = counter(
            "requests", "Answered requests by route and outcome", [*who, "route", "outcome"]
        )
        self._refused = counter("refused", "Requests that never reached a persona", ["reason"])
        self._tokens = counter(
            "tokens", "Tokens by kind (a broken-off stream counts its chunks)", [*who, "kind"]
        )
        self._first_token = histogram(
            "first_token_seconds", "From request to first token, streams only", who, FIRST_TOKEN_S
        )
        self._between_tokens = histogram(
            "between_tokens_seconds", "From token to token, streams only", who, BETWEEN_TOKENS_S
        )
        self._whole = histogram("request_seconds", "From request to the answer's end", who, WHOLE_S)
        self._rollouts = counter("rollouts", "Ended rollouts", ["persona", "outcome", "reason"])
        self._step = histogram("rollout_step_seconds", "Seconds by step", ["step"], STEP_S)
        self._serving = Gauge(
            PREFIX + "serving_version", "The version that serves; 0 is the base model",
            ["persona"], registry=registry,
        )  # fmt: skip
        self._reachable = Gauge(
            PREFIX + "registry_reachable", "Whether the registry could be read at the last look",
            registry=registry,
        )  # fmt: skip
        self._series: OrderedDict[tuple[str, str], Series] = OrderedDict()
        self._routes: set[tuple[str, str, str, str]] = set()

    def watch(self, name: str, about: str, read: Callable[[], float]) -> None:
        """A number that is read whenever somebody asks for the metrics."""
        Gauge(PREFIX + name, about, registry=self._registry).set_function(read)

    def series(self, asked: str, engine: str) -> Series:
        """The series of a persona (by the name asked for) in the version that answers."""
        key = who(asked, engine)
        found = self._series.get(key)
        if found is None:
            found = self._series[key] = Series(
                self._first_token.labels(*key), self._between_tokens.labels(*key),
                self._whole.labels(*key), self._tokens.labels(*key, "prompt"),
                self._tokens.labels(*key, "completion"),
            )  # fmt: skip
            self._drop_oldest()
        self._series.move_to_end(key)
        return found

    def answered(self, asked: str, engine: str, route: str, outcome: str) -> None:
        labels = (*who(asked, engine), route, outcome)
        self._routes.add(labels)
        self._requests.labels(*labels).inc()

    def refused(self, reason: str) -> None:
        self._refused.labels(reason).inc()

    def rollout(self, persona: str, outcome: str, reason: str = "") -> None:
        self._rollouts.labels(persona, outcome, reason).inc()

    def step(self, step: str, seconds: float) -> None:
        self._step.labels(step).observe(seconds)

    def serves(self, persona: str, version: int | None) -> None:
        self._serving.labels(persona).set(version or 0)

    def registry_reachable(self, reachable: bool) -> None:
        self._reachable.set(reachable)

    def _drop_oldest(self) -> None:
        while len(self._series) > SERIES_KEPT:
            key, _ = self._series.popitem(last=False)
            for histogram in (self._first_token, self._between_tokens, self._whole):
                histogram.remove(*key)
            for kind in ("prompt", "completion"):
                self._tokens.remove(*key, kind)
            for labels in [labels for labels in self._routes if labels[:2] == key]:
                self._requests.remove(*labels)
                self._routes.discard(labels)


def who(asked: str, engine: str) -> tuple[str, str]:
    """Labels of a request: `maya` answered by `maya@3` is (maya, 3), by the base (maya, base)."""
    persona = asked.partition("@")[0]
    return persona, BASE if engine == BASE else engine.partition("@")[2]
