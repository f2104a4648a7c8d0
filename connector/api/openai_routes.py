"""The pass-through for tools that speak OpenAI: upstream's shapes untouched, bytes as they come.

Source: https://platform.openai.com/docs/api-reference/chat. No time budget of ours; 60 s without
a byte end an answer. Nothing is ever sent twice here.
"""

from __future__ import annotations

from collections.abc import Iterator

import structlog
from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException

from connector.api.authentication import Access, Caller, demands
from connector.api.responses import from_http, json_answer
from connector.api.services import services
from connector.catalog.fields import USER_MAX
from connector.errors import ConnectorError, InvalidField, NotFound
from connector.upstream import UpstreamAnswer

log = structlog.get_logger(__name__)
_USER = "X-Paywall-User"


def blueprint() -> Blueprint:
    """Routes under /openai/v1; errors of ours are answered in OpenAI's shape.

    A tool that can only set an address and a key names the user in the address, as upstream
    itself allows: `/openai/v1/<user>/chat/completions`. Body and header come first.
    """
    blp = Blueprint("openai", __name__, url_prefix="/openai/v1")

    @blp.errorhandler(ConnectorError)
    def _told(error: ConnectorError) -> Response:
        return _openai_error(error)

    @blp.errorhandler(HTTPException)
    def _told_too(error: HTTPException) -> Response:
        return _openai_error(from_http(error))

    @blp.post("/chat/completions")
    @blp.post("/<user>/chat/completions")
    @demands(Access.SERVED)
    def chat_completions(caller: Caller, user: str = "") -> Response:
        body = request.get_data(cache=False)
        headers = {"content-type": request.headers.get("Content-Type", "application/json")}
        named = request.headers.get(_USER) or _checked(user)
        if named:
            headers[_USER] = named
        return _pass(caller.key, "POST", "/chat/completions", body, headers)

    @blp.get("/models")
    @blp.get("/<user>/models")
    @demands(Access.SERVED)
    def models(caller: Caller, user: str = "") -> Response:
        return _pass(caller.key, "GET", "/models", None, {})

    @blp.route("/<path:unknown>", methods=["GET", "POST"])
    @demands(Access.OPEN)
    def nothing_here(unknown: str) -> Response:
        raise NotFound(
            "There is nothing at this address. The base address ends with /openai/v1, or with "
            "/openai/v1/ and your id of the user for tools that cannot send one."
        )

    return blp


def _checked(user: str) -> str:
    """A user from the address, as a header value. Raises InvalidField for one that cannot be."""
    if len(user) > USER_MAX or not user.isprintable() or "{{" in user:
        raise InvalidField(
            "The user in the address is not an id: it is too long, or still holds a placeholder.",
            field="user",
        )
    return user.strip().encode().decode("latin-1")


def _pass(
    key: str, method: str, path: str, body: bytes | None, headers: dict[str, str]
) -> Response:
    parts = services()
    answer = parts.client.stream(method, path, key=key, content=body, headers=headers)
    if answer.status != 401:
        parts.rate_limits.proven(key)
    response = Response(_chunks(answer), answer.status, direct_passthrough=True)
    response.headers.clear()
    response.headers.update(answer.headers)
    response.call_on_close(answer.close)
    return response


def _chunks(answer: UpstreamAnswer) -> Iterator[bytes]:
    try:
        yield from answer.chunks()
    except ConnectorError as error:
        # The status line is gone: ending the stream early is all that can be told.
        log.warning("stream_broken", code=error.code)
        raise


def _openai_error(error: ConnectorError) -> Response:
    g.true_status, g.error_code = error.status, error.code
    body = {
        "error": {
            "message": error.message,
            "type": "connector_error",
            "param": error.field or None,
            "code": error.code,
        }
    }
    response = json_answer(body, error.status)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response
