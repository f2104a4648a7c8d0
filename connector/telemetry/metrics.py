"""What the service counts about itself, for Prometheus; never by path or by user."""

import os
from functools import cache
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
    values,
)

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0)


class _Metrics:
    """All metrics, with the children of each label set at hand: looking one up takes a lock."""

    def __init__(self) -> None:
        # prometheus_client decides when it is imported; the server knows only just before it forks.
        values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]
        disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = CollectorRegistry()
        self.registry = registry
        self.requests = Counter(
            "connector_requests_total",
            "Requests answered.",
            ["route", "method", "status"],
            registry=registry,
        )
        self.request_seconds = Histogram(
            "connector_request_seconds",
            "Time to answer a request.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.upstream = Counter(
            "connector_upstream_requests_total",
            "Requests to the Paywalls API.",
            ["operation", "result"],
            registry=registry,
        )
        self.upstream_seconds = Histogram(
            "connector_upstream_seconds",
            "Time of a request to the Paywalls API.",
            ["operation"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.ledger = Counter(
            "connector_ledger_outcomes_total",
            "How charges and deposits ended.",
            ["action", "result"],
            registry=registry,
        )
        self.inbound = Counter(
            "connector_inbound_total",
            "Deliveries of events that came in.",
            ["result"],
            registry=registry,
        )
        self.read_back = Counter(
            "connector_events_read_back_total",
            "Events that were missed and read back from upstream's log.",
            registry=registry,
        )
        self.gaps = Counter(
            "connector_possible_gaps_total",
            "Readings after which events may still be missing.",
            registry=registry,
        )
        self.deliveries = Counter(
            "connector_deliveries_total",
            "Attempts to send an event to a hook.",
            ["result"],
            registry=registry,
        )
        # What is in the database is the same for all workers: the newest look counts.
        self.outbox_rows = Gauge(
            "connector_outbox_rows",
            "Deliveries that are not sent yet.",
            multiprocess_mode="livemostrecent",
            registry=registry,
        )
        self.outbox_age = Gauge(
            "connector_outbox_oldest_seconds",
            "Age of the oldest delivery that is not sent yet.",
            multiprocess_mode="livemostrecent",
            registry=registry,
        )
        self.in_flight = Gauge(
            "connector_in_flight",
            "Requests being answered.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self.children: dict[tuple[str, ...], Any] = {}

    def child(self, metric: Counter | Histogram, *labels: str) -> Any:
        key = (metric._name, *labels)
        child = self.children.get(key)
        if child is None:
            child = self.children[key] = metric.labels(*labels)
        return child


@cache
def _metrics() -> _Metrics:
    return _Metrics()


def request_started() -> None:
    """Count a request as in flight; each call is followed by one of `request_finished`."""
    _metrics().in_flight.inc()


def request_finished(route: str, method: str, status: int, seconds: float) -> None:
    """Count an answered request. `route` is the template, never a path that somebody sent."""
    metrics = _metrics()
    known = method if method in METHODS else "OTHER"
    metrics.in_flight.dec()
    metrics.child(metrics.requests, route, known, str(status)).inc()
    metrics.child(metrics.request_seconds, route).observe(seconds)


def upstream_answered(operation: str, result: str, seconds: float) -> None:
    """Count a request to the Paywalls API; `result` is one word, such as `ok` or `timeout`."""
    metrics = _metrics()
    metrics.child(metrics.upstream, operation, result).inc()
    metrics.child(metrics.upstream_seconds, operation).observe(seconds)


def ledger_answered(action: str, result: str) -> None:
    """Count how a charge or deposit ended; `result` is one word, such as `charged`."""
    metrics = _metrics()
    metrics.child(metrics.ledger, action, result).inc()


def inbound_received(result: str) -> None:
    """Count a delivery of an event; `result` is one word, such as `stored` or `duplicate`."""
    metrics = _metrics()
    metrics.child(metrics.inbound, result).inc()


def events_read_back(count: int) -> None:
    """Count events that had been missed and were read back."""
    _metrics().read_back.inc(count)


def gap_found() -> None:
    """Count a reading after which events may still be missing."""
    _metrics().gaps.inc()


def delivery_ended(result: str) -> None:
    """Count an attempt to send an event to a hook; `result` is one word, such as `sent`."""
    metrics = _metrics()
    metrics.child(metrics.deliveries, result).inc()


def outbox_measured(rows: int, oldest_seconds: float) -> None:
    """Tell how many deliveries wait in the database, and for how long the oldest does."""
    metrics = _metrics()
    metrics.outbox_rows.set(rows)
    metrics.outbox_age.set(oldest_seconds)


def render_metrics() -> tuple[bytes, str]:
    """The metrics of all workers in Prometheus' text format, and its content type."""
    registry = _metrics().registry
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST


def worker_died(process_id: int) -> None:
    """Forget what an ended worker had in flight; its counters stay."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(process_id)  # type: ignore[no-untyped-call]
