"""What Prometheus may know: who was asked, how fast the answers came, how rollouts went.

Labels are personas, versions and outcomes, never what somebody sent. The series that were unused
for longest are dropped, so that a year of rollouts leaves no trace in memory.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics_core import HistogramMetricFamily
from prometheus_client.registry import Collector

from adapters.manifest import BASE

PREFIX = "understudy_"
SERIES_KEPT = 256
"""Personas in a version whose series are kept."""
FIRST_TOKEN_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
BETWEEN_TOKENS_S = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1, 2.5, 10)
WHOLE_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
STEP_S = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60)


class Gaps(Collector):
    """A histogram that takes many values at once: a stream has one for every token."""

    def __init__(self, name: str, about: str, labels: list[str], bounds: Sequence[float]) -> None:
        self._family = (name, about, labels)
        self._bounds = (*bounds, math.inf)
        self._kept: dict[tuple[str, ...], tuple[list[int], list[float]]] = {}

    def add(self, labels: tuple[str, ...], seconds: Sequence[float]) -> None:
        counts, total = self._kept.setdefault(labels, ([0] * len(self._bounds), [0.0]))
        for value in seconds:
            counts[bisect_left(self._bounds, value)] += 1
        total[0] += sum(seconds)

    def remove(self, *labels: str) -> None:
        self._kept.pop(labels, None)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        name, about, labels = self._family
        family = HistogramMetricFamily(name, about, labels=labels)
        bounds = [*map(str, self._bounds[:-1]), "+Inf"]
        # Metrics are read in a thread while answers go on: a list of what there is stays as it is.
        for its_labels, (counts, total) in list(self._kept.items()):
            buckets = list(zip(bounds, accumulate(counts), strict=True))
            family.add_metric(its_labels, buckets, total[0])
        yield family


@dataclass(frozen=True, slots=True)
class Series:
    """The metrics of one persona in one version, looked up once a request."""

    first_token: Histogram
    between_tokens: Callable[[Sequence[float]], None]
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
        self._between_tokens = Gaps(
            PREFIX + "between_tokens_seconds", "From token to token, streams only, when they end",
            who, BETWEEN_TOKENS_S,
        )  # fmt: skip
        registry.register(self._between_tokens)
        self._whole = histogram("request_seconds", "From request to the answer's end", who, WHOLE_S)
        self._rollouts = counter("rollouts", "Ended rollouts", ["persona", "outcome", "reason"])
        self._step = histogram("rollout_step_seconds", "Seconds by step", ["step"], STEP_S)
        self._serving = Gauge(
            PREFIX + "serving_version", "The version that serves; 0 while it is the base model",
            ["persona"], registry=registry,
        )  # fmt: skip
        self._reachable = Gauge(
            PREFIX + "registry_reachable", "Whether the registry could be read at the last look",
            registry=registry,
        )  # fmt: skip
        self._known: OrderedDict[tuple[str, str], set[tuple[str, str]]] = OrderedDict()
        """Personas in a version, the latest asked last, each with its routes and outcomes."""

    def watch(self, name: str, about: str, read: Callable[[], float]) -> None:
        """A number that is read whenever somebody asks for the metrics."""
        Gauge(PREFIX + name, about, registry=self._registry).set_function(read)

    def series(self, asked: str, engine: str) -> Series:
        """The series of a persona (by the name asked for) in the version that answers."""
        key = who(asked, engine)
        return Series(
            self._first_token.labels(*key), partial(self._between_tokens.add, key),
            self._whole.labels(*key), self._tokens.labels(*key, "prompt"),
            self._tokens.labels(*key, "completion"),
        )  # fmt: skip

    def answered(self, asked: str, engine: str, route: str, outcome: str) -> None:
        key = who(asked, engine)
        self._requests.labels(*key, route, outcome).inc()
        self._known.setdefault(key, set()).add((route, outcome))
        self._known.move_to_end(key)
        while len(self._known) > SERIES_KEPT:
            self._drop(*self._known.popitem(last=False))

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

    def _drop(self, key: tuple[str, str], answers: set[tuple[str, str]]) -> None:
        for metric in (self._first_token, self._between_tokens, self._whole):
            metric.remove(*key)
        for kind in ("prompt", "completion"):
            self._tokens.remove(*key, kind)
        for answer in answers:
            self._requests.remove(*key, *answer)


def who(asked: str, engine: str) -> tuple[str, str]:
    """Labels of a request: `maya` answered by `maya@3` is (maya, 3), by the base (maya, base)."""
    persona = asked.partition("@")[0]
    return persona, BASE if engine == BASE else engine.partition("@")[2]
