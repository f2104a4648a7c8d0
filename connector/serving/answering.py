"""Answering one whole request with the app, in a thread."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast
from wsgiref.types import WSGIApplication

from gunicorn.http import wsgi  # type: ignore[import-untyped]

from connector import errors
from connector.api.authentication import REFUSED
from connector.serving import plain, refusals
from connector.serving.connection import Connection
from connector.serving.outlet import Outlet, ReaderGone
from connector.serving.plain import PlainRequest
from connector.serving.response import PlainResponse
from connector.telemetry import logs


def answer(
    connection: Connection,
    app: WSGIApplication,
    cfg: Any,
    log: Any,
    *,
    last: bool,
    refused: errors.ConnectorError | None = None,
) -> None:
    """Let `app` answer the request that `connection` holds.

    What the client did not take yet is left in `connection.left`; `connection.closing` tells that
    no other request may follow. `last` says that none should. With `refused` the app is told to
    answer with that error.
    """
    outlet = Outlet(connection.client, connection.limits)
    response, environ = _begun(connection, outlet, cfg)
    environ.update(connection.incoming.environ())
    environ["wsgi.multithread"] = True
    if refused is not None:
        environ[REFUSED] = refused
    if last:
        response.force_close()
    try:
        _run(app, environ, response, outlet)
        connection.closing = response.should_close()
        connection.left = outlet.left
    except ReaderGone:
        connection.abort()
        connection.closing = connection.hung_up = True
    except Exception as defect:
        connection.closing = True
        if response.headers_sent:
            log.exception("Error handling request")
            connection.left = outlet.left
            return
        logs.new_request_id()
        log.error("Unhandled exception", exc_info=defect)
        connection.left = bytearray(refusals.answer_to(defect))


def _begun(connection: Connection, outlet: Outlet, cfg: Any) -> tuple[Any, dict[str, Any]]:
    """What the app's answer is written to, and the environ without the body."""
    request = connection.incoming.request
    if isinstance(request, PlainRequest):
        environ = plain.environ(request, connection.local, _base(cfg))
        return PlainResponse(request, outlet, cfg), environ
    response, environ = wsgi.create(request, outlet, connection.peer, connection.local, cfg)
    environ.pop("gunicorn.socket", None)
    environ.pop("HTTP_TRANSFER_ENCODING", None)  # the body is given as it was before
    return response, environ


@lru_cache(maxsize=4)
def _base(cfg: Any) -> dict[str, Any]:
    return plain.environ_base(cfg)


def _run(app: WSGIApplication, environ: dict[str, Any], response: Any, outlet: Outlet) -> None:
    pieces = app(environ, response.start_response)
    try:
        for piece in pieces:
            response.write(piece)
            if response.response_length is None:  # also to HTTP/1.0, which knows no chunks
                outlet.stream()
                outlet.flush()
        response.close()
        outlet.flush()
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            cast(Any, close)()
