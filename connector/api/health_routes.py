"""Is it up (`/healthz`), can it work (`/readyz`), how does it do (`/metrics`)."""

from __future__ import annotations

from flask import Blueprint, Response

from connector.api.authentication import Access, demands
from connector.api.responses import json_answer
from connector.api.services import services
from connector.telemetry.metrics import render_metrics


def blueprint() -> Blueprint:
    """The three routes; none needs a key."""
    blp = Blueprint("health", __name__)

    @blp.get("/healthz")
    @demands(Access.OPEN)
    def healthz() -> Response:
        return json_answer({"status": "ok"})

    @blp.get("/readyz")
    @demands(Access.OPEN)
    def readyz() -> Response:
        """503 in the common error shape while the database is away, or cannot be written to."""
        services().write_probe.check()
        return json_answer({"status": "ready"})

    @blp.get("/metrics")
    @demands(Access.OPEN)
    def metrics() -> Response:
        body, content_type = render_metrics()
        return Response(body, content_type=content_type)

    return blp
