"""Metrics in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_ROWS = (1, 2, 4, 8, 16, 32)
_COUNTED = ("cache_hits", "cache_misses")
"""Figures of a backend that only grow."""


class Metrics:
    """The metrics of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "tunesmith_requests", "Requests by route and status", ["route", "status"],
            registry=self._registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "tunesmith_request_seconds", "Time until the last byte of an answer", ["route"],
            buckets=_SECONDS, registry=self._registry,
        )  # fmt: skip
        self.tokens = Counter(
            "tunesmith_tokens", "Tokens that were read and written", ["kind"],
            registry=self._registry,
        )  # fmt: skip
        self.batch_rows = Histogram(
            "tunesmith_batch_rows", "Rows in one call of the backend",
            buckets=_ROWS, registry=self._registry,
        )  # fmt: skip

    def watch(self, figures: Callable[[], Mapping[str, float]]) -> None:
        """Read ``figures`` at each look: gauges by name, and counters for hits and misses."""
        self._registry.register(_Figures(figures))

    def text(self) -> bytes:
        """Return all metrics."""
        return generate_latest(self._registry)


class _Figures(Collector):
    def __init__(self, read: Callable[[], Mapping[str, float]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        for name, value in self._read().items():
            words = name.replace("_", " ").capitalize()
            if name in _COUNTED:
                yield CounterMetricFamily(f"tunesmith_{name}", words, value=value)
            else:
                yield GaugeMetricFamily(f"tunesmith_{name}", words, value=value)
