"""How large a body may be. What is still coming of one that is refused, the server throws away."""

from __future__ import annotations

from flask import Flask, Request
from flask.globals import request_ctx

from connector.api.services import services

BODY_MAX = 1024 * 1024
"""Bytes that a body may have; CONNECTOR_OPENAI_BODY_MAX where chats are passed through."""


def install(app: Flask) -> None:
    """Apply the limits to every request of `app`; runs after whatever notes the request's begin."""

    @app.before_request
    def _limit() -> None:
        request = request_ctx.request
        request.max_content_length = limit_of(request)


def limit_of(request: Request) -> int:
    """How many bytes the body of this request may have."""
    return services().settings.openai_body_max if request.blueprint == "openai" else BODY_MAX
