"""`POST /mcp`: one message in, one plain JSON object out; no sessions and no streams.

Nothing but the key or token says who calls. Whatever goes wrong while a tool is called is told in
its result, where models read it; only a key that is not accepted is a 401.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException

from connector.api.authentication import EVERY_TOKEN, Access, Caller, admit, demands
from connector.api.request_body import check_escapes, raw_body, utf8
from connector.api.responses import from_http, json_answer, respond
from connector.api.services import services
from connector.errors import ConnectorError, ForeignOrigin, InternalError, MalformedRequest, quoted
from connector.mcp import messages, wires
from connector.mcp.calls import call, failed
from connector.mcp.messages import INVALID_PARAMS, Message, RpcError
from connector.mcp.tools import tools
from connector.telemetry.logs import request_id

_HERE = ("localhost", "127.0.0.1", "[::1]")
_CALL = "tools/call"

log = structlog.get_logger(__name__)


def blueprint() -> Blueprint:
    """The route, and how it tells errors."""
    blp = Blueprint("mcp", __name__)

    @blp.before_request
    def _near() -> None:
        _refuse_foreign()

    @blp.errorhandler(ConnectorError)
    def _told(error: ConnectorError) -> Response:
        return _failure(error)

    @blp.errorhandler(HTTPException)
    def _told_too(error: HTTPException) -> Response:
        return _failure(from_http(error))

    @blp.errorhandler(Exception)
    def _defect(error: Exception) -> Response:
        log.exception("defect")
        return _failure(
            InternalError(
                "Something went wrong on our side. Please tell the connector's operator and name "
                f"the request {request_id()}."
            )
        )

    @blp.post("/mcp", provide_automatic_options=False)
    @demands(Access.KEY, EVERY_TOKEN)
    def mcp(caller: Caller) -> Response:
        """A message of a client. Every key is well-formed here; whether upstream accepts it is
        asked where something is told or done."""
        _refuse_values_in_address()
        try:
            message = messages.read(utf8(request, raw_body(request)))
        except RpcError as unreadable:
            return json_answer(messages.failure(unreadable, None), 400)
        g.mcp, newer = message, True
        try:
            newer = g.mcp_newer = wires.is_newer(message, request.headers)
            if message.notification:
                return Response(status=202)
            told = wires.finished(_answer(message, caller, newer=newer), newer=newer)
        except RpcError as error:
            status = wires.status_of(error, newer=newer)
            return json_answer(messages.failure(error, message.id), status)
        return json_answer(messages.result(message.id, told))

    return blp


def _answer(message: Message, caller: Caller, *, newer: bool) -> dict[str, Any]:
    """The result of a request. Raises RpcError, or what the tool raises."""
    match message.method:
        case "tools/call":
            return call(message.params)
        case "tools/list":
            if message.params.get("cursor"):
                raise RpcError(INVALID_PARAMS, "There is one page of tools. Leave “cursor” out.")
            admit(Access.PAYWALL)
            return wires.listed(tools(caller.token), newer=newer)
        case "server/discover" if newer:
            admit(Access.PAYWALL)
            return wires.discovery()
        case "initialize" if not newer:
            admit(Access.PAYWALL)
            return wires.greeting(message.params.get("protocolVersion"))
        case "ping" if not newer:
            return {}
    raise messages.unknown_method(message.method)


def _failure(error: ConnectorError) -> Response:
    """What went wrong: in the tool's result while one is called, else as an error of HTTP."""
    message: Message | None = g.get("mcp")
    if message is not None and message.method == _CALL and error.status != 401:
        g.true_status, g.error_code = error.status, error.code
        told = wires.finished(failed(error), newer=g.mcp_newer)
        return json_answer(messages.result(message.id, told))
    told_as = respond(error)
    rpc = RpcError(messages.FAILED, error.message, {"code": error.code})
    body = messages.failure(rpc, message.id if message is not None else None)
    answer = json_answer(body, error.status)
    for name in ("Retry-After", "WWW-Authenticate", *error.headers):
        if name in told_as.headers:
            answer.headers[name] = told_as.headers[name]
    return answer


def _refuse_values_in_address() -> None:
    check_escapes(request.query_string, "address")
    for name in request.args:
        raise MalformedRequest(
            f"The address takes no values here, but has “{quoted(name)}”. It ends with /mcp; who "
            "pays is an argument of the tool, or the header “X-Paywall-User”."
        )


def _refuse_foreign() -> None:
    """Raises ForeignOrigin for a page of another address: a name that was made to point here would
    otherwise let it speak with a connector on this machine (DNS rebinding)."""
    origin = request.headers.get("Origin")
    public = urlsplit(services().settings.public_url or "")
    own = {f"{public.scheme}://{public.netloc}"} if public.netloc else set()
    if request.host.rpartition(":")[0] in _HERE or request.host in _HERE:
        own |= {f"http://{request.host}", f"https://{request.host}"}
    if origin is None or origin.casefold() in own:
        return
    raise ForeignOrigin(
        "A page of another address must not call this from a browser. Call it from a program, such "
        "as a desktop app or your server."
    )
