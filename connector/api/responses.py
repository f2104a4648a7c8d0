"""Answers and errors on the wire; errors are RFC 9457 plus flat extras, one shape for all of them.

Source: https://www.rfc-editor.org/rfc/rfc9457. No member is called `error`: n8n would show that
and hide the message.
"""

from __future__ import annotations

from typing import Any

import structlog
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from connector import jsontext
from connector.catalog.actions import Action, fields_of
from connector.catalog.fields import TEXT_MAX
from connector.errors import (
    BodyTooLarge,
    ConnectorError,
    InternalError,
    MalformedRequest,
    NotFound,
    WrongMethod,
)
from connector.jsontext import scalar
from connector.telemetry.logs import request_id

log = structlog.get_logger(__name__)


def json_answer(body: object, status: int = 200) -> Response:
    """`body` as JSON in which decimals keep their digits."""
    return Response(jsontext.dumps(body), status, content_type="application/json")


def problem(error: ConnectorError) -> dict[str, Any]:
    """The members of an error's body."""
    return error.problem(request_id(), reference=g.get("reference", ""))


def respond(error: ConnectorError) -> Response:
    """The answer for an error: a problem, or a 200 for actions called with `errors=soft`."""
    g.true_status, g.error_code = error.status, error.code
    members = problem(error)
    if error.status in (429, 503) and error.retry_after is None:
        error.retry_after = 5
    action: Action | None = g.get("action")
    if action is not None and g.get("soft"):
        sent = _as_sent(action)
        filled = {} if action.many else action.answer(sent)
        soft = {"success": False, "outcome": "error", "message": error.message, "action_url": ""}
        response = json_answer(filled | soft | members | sent)
    else:
        response = json_answer(members, error.status)
        response.mimetype = "application/problem+json"
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    response.headers.update(error.headers)
    return response


def _as_sent(action: Action) -> dict[str, str]:
    """What the caller sent for the fields that the answer has too, as text; a step behind this one
    can go on with the user or the reference that it had."""
    sent, answered = g.get("sent", {}), fields_of(action.output)
    return {
        name: scalar(sent[name])[:TEXT_MAX]
        for name in action.words()
        if name in sent and name in answered
    }


def from_http(error: HTTPException) -> ConnectorError:
    """Flask's own errors, told as ours."""
    if isinstance(error, MethodNotAllowed):
        allowed = sorted(set(error.valid_methods or ()) - {"OPTIONS", "HEAD"})
        return WrongMethod(
            f"This address does not answer {request.method}. Use {' or '.join(allowed)}.",
            headers={"Allow": ", ".join(sorted(error.valid_methods or ()))},
        )
    if isinstance(error, RequestEntityTooLarge):
        return BodyTooLarge(
            "The request is too large: it may have at most 1 MB. Send less at once, and files as "
            "links to them."
        )
    if error.code == 404:
        return NotFound(
            "There is nothing at this address. Check its spelling; /docs lists all addresses."
        )
    if error.code is not None and 400 <= error.code < 500:
        return MalformedRequest("The request cannot be read. Check the address and the values.")
    return InternalError("Something went wrong on our side. Try again; if it stays, tell us.")


def install(app: Flask) -> None:
    """Answer every error of `app` in this shape."""

    @app.errorhandler(ConnectorError)
    def _ours(error: ConnectorError) -> Response:
        return respond(error)

    @app.errorhandler(HTTPException)
    def _flask(error: HTTPException) -> Response:
        return respond(from_http(error))

    @app.errorhandler(Exception)
    def _defect(error: Exception) -> Response:
        log.exception("defect")
        return respond(
            InternalError(
                "Something went wrong on our side. Please tell the connector's operator and name "
                f"the request {request_id()}."
            )
        )
