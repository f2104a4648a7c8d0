"""Metrics have one label set per route template, and are added up over processes."""

import os

from connector.telemetry import metrics
from tests.telemetry.test_logs import run_python


def metric(name: str, **labels: str) -> float:
    """The value of one series as `/metrics` shows it."""
    wanted = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    series = f"{name}{{{wanted}}} " if wanted else f"{name} "
    shown = metrics.render_metrics()[0].decode().splitlines()
    return float(next((line for line in shown if line.startswith(series)), "0").split()[-1])


def test_a_request_is_counted_timed_and_in_flight_in_between() -> None:
    before = metric("connector_requests_total", route="/v1/x", method="GET", status="200")
    idle = metric("connector_in_flight")
    metrics.request_started()
    assert metric("connector_in_flight") == idle + 1
    metrics.request_finished("/v1/x", "GET", 200, 0.03)
    assert metric("connector_in_flight") == idle
    after = metric("connector_requests_total", route="/v1/x", method="GET", status="200")
    assert after == before + 1
    assert metric("connector_request_seconds_bucket", route="/v1/x", le="0.05") >= 1


def test_an_invented_method_does_not_make_a_new_series() -> None:
    metrics.request_started()
    metrics.request_finished("/v1/x", "X-ANYTHING", 405, 0.01)
    assert metric("connector_requests_total", route="/v1/x", method="OTHER", status="405") >= 1


def test_upstream_and_ledger_are_counted() -> None:
    metrics.upstream_answered("charge", "timeout", 20.0)
    metrics.ledger_answered("charge", "unknown")
    counted = metric("connector_upstream_requests_total", operation="charge", result="timeout")
    assert counted >= 1
    assert metric("connector_upstream_seconds_count", operation="charge") >= 1
    assert metric("connector_ledger_outcomes_total", action="charge", result="unknown") >= 1


def test_the_metrics_of_several_processes_are_added_up(tmp_path: os.PathLike[str]) -> None:
    work = "from connector.telemetry import metrics as t; t.ledger_answered('charge', 'charged')\n"
    show = "print(t.render_metrics()[0].decode())"
    shared = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    run_python(work, **shared)
    shown = run_python(work + show, **shared).stdout
    assert 'connector_ledger_outcomes_total{action="charge",result="charged"} 2.0' in shown
