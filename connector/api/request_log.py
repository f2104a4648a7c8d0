"""What happens around every request: its id, its log line, its metrics; never a path or a user."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import structlog
from flask import Flask, Request, Response
from flask.globals import app_ctx, request_ctx

from connector.api.services import services
from connector.telemetry.logs import new_request_id
from connector.telemetry.metrics import request_finished, request_started

log = structlog.get_logger("connector.request_log")
_QUIET = ("/healthz", "/readyz", "/metrics")


def install(app: Flask) -> None:
    """Watch all requests of `app`."""

    @app.before_request
    def _began() -> None:
        notes = app_ctx.g
        notes.began = perf_counter()
        notes.request_id = new_request_id()
        request_started()

    @app.teardown_request
    def _counted(_: BaseException | None) -> None:
        end_count = app_ctx.g.get("end_count")
        if end_count is not None:
            end_count()

    @app.after_request
    def _named(response: Response) -> Response:
        request, notes = request_ctx.request, app_ctx.g
        status: int = notes.get("true_status", response.status_code)
        if status == 401 and "key" in notes:
            services().rate_limits.refused(notes.key, request.remote_addr or "")
        headers = response.headers
        headers["X-Request-Id"] = notes.request_id  # also in the place of upstream's own
        headers["X-Content-Type-Options"] = "nosniff"
        headers.setdefault("Cache-Control", "no-store")
        response.call_on_close(_ender(request, notes, status))
        return response

    def _ender(request: Request, notes: Any, status: int) -> Callable[[], None]:
        route = request.url_rule.rule if request.url_rule is not None else "unmatched"
        method, began, rid = request.method, notes.began, notes.request_id
        outcome, code = notes.get("outcome", ""), notes.get("error_code", "")
        reference = notes.get("reference", "")

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
