"""What happens around every request: its id, its log line, its metrics; never a path or a user."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import structlog
from flask import Flask, Response, g, request

from connector.api.services import services
from connector.telemetry.logs import new_request_id
from connector.telemetry.metrics import request_finished, request_started

log = structlog.get_logger("connector.request_log")
_QUIET = ("/healthz", "/readyz", "/metrics")


def install(app: Flask) -> None:
    """Watch all requests of `app`."""

    @app.before_request
    def _began() -> None:
        g.began = perf_counter()
        g.request_id = new_request_id()
        request_started()

    @app.teardown_request
    def _counted(_: BaseException | None) -> None:
        if "end_count" in g:
            g.end_count()

    @app.after_request
    def _named(response: Response) -> Response:
        if "key" in g and g.get("true_status", response.status_code) == 401:
            services().rate_limits.refused(g.key, request.remote_addr or "")
        response.headers["X-Request-Id"] = g.request_id
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers.setdefault("Cache-Control", "no-store")
        response.call_on_close(_ender(g.get("true_status", response.status_code)))
        return response

    def _ender(status: int) -> Callable[[], None]:
        route = request.url_rule.rule if request.url_rule is not None else "unmatched"
        method, began, rid = request.method, g.began, g.request_id
        outcome, code = g.get("outcome", ""), g.get("error_code", "")
        reference = g.get("reference", "")

        def ended() -> None:
            seconds = perf_counter() - began
            request_finished(route, method, status, seconds)
            if route not in _QUIET:
                log.info(
                    "request",
                    route=route,
                    method=method,
                    status=status,
                    milliseconds=round(seconds * 1000, 1),
                    outcome=outcome,
                    code=code,
                    reference=reference,
                    request_id=rid,
                )

        return ended
