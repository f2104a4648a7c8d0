"""The pass-through for tools that speak OpenAI: upstream's shapes untouched, bytes as they come.

Source: https://platform.openai.com/docs/api-reference/chat. No time budget of ours;
CONNECTOR_OPENAI_IDLE seconds without a byte end an answer. Nothing is ever sent twice here, and
client libraries are told not to do so either wherever an answer may have been paid for.
"""

from __future__ import annotations

from collections.abc import Iterator

import structlog
from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from connector.api.addresses import as_sent
from connector.api.authentication import Access, Caller, Right, demands
from connector.api.payer import checked, user_in_headers, user_in_query, with_payer
from connector.api.request_body import is_json, looks_like_json, raw_body, utf8
from connector.api.responses import from_http, json_answer
from connector.api.services import services
from connector.errors import (
    BodyTooLarge,
    ConnectorError,
    InternalError,
    InvalidField,
    KeyRefused,
    NotFound,
    WrongContentType,
)
from connector.security.rights import OPENAI, VIEW
from connector.upstream import UpstreamAnswer

log = structlog.get_logger(__name__)

_NEVER_AGAIN = {"x-should-retry": "false"}
"""What OpenAI's own libraries read before they send something again by themselves."""
_NOTHING_PAID = (400, 401, 403, 404, 405, 406, 413, 415, 422, 429)
"""Upstream's answers to a chat that it did not begin to answer."""
_NOT_USERS = frozenset(
    ("v1", "openai", "chat", "completions", "responses", "models", "embeddings", "api")
)
"""Parts of addresses that were put together wrongly; such a user would be everybody."""
_BASE = (
    "The base address ends with /openai/v1, or with /openai/v1/ and your id of the user for tools "
    "that cannot send one."
)
_ONLY_CHATS = "There are only chats here (/chat/completions), and the list of models (/models)."
_ELSEWHERE = "Choose another service for it in your tool."
_NOT_HERE = {
    "responses": "There is no Responses API here. Switch “Use Responses API” off in your tool, so "
    "that it calls /chat/completions.",
    "embeddings": "There are no embeddings here, only chats: choose another service for them in "
    "your tool.",
    "completions": "There are only chat completions here: choose a chat model in your tool, so "
    "that it calls /chat/completions.",
    "models": "A single model cannot be looked up here: /models lists them all.",
    "images": f"No images are made here. {_ONLY_CHATS} {_ELSEWHERE}",
    "audio": f"Sound is neither read nor made here. {_ONLY_CHATS} {_ELSEWHERE}",
    "moderations": f"Nothing is moderated here. {_ONLY_CHATS} {_ELSEWHERE}",
    "files": f"No files are kept here. {_ONLY_CHATS} {_ELSEWHERE}",
    "assistants": f"There are no assistants here. {_ONLY_CHATS} Choose a chat model instead.",
    "threads": f"There are no assistants here. {_ONLY_CHATS} Choose a chat model instead.",
    "realtime": f"There are no live sessions here. {_ONLY_CHATS} Choose a chat model instead.",
}
"""By the part of the address that says what a tool wants."""


def blueprint() -> Blueprint:
    """Routes under /openai/v1; errors of ours are answered in OpenAI's shape.

    A tool that can only set an address and a key names the user in the address, as upstream
    itself allows: `/openai/v1/<user>/chat/completions`.
    """
    blp = Blueprint("openai", __name__)

    @blp.errorhandler(ConnectorError)
    def _told(error: ConnectorError) -> Response:
        return _openai_error(error)

    @blp.errorhandler(HTTPException)
    def _told_too(error: HTTPException) -> Response:
        if isinstance(error, RequestEntityTooLarge):
            return _openai_error(_too_large())
        return _openai_error(from_http(error))

    @blp.errorhandler(Exception)
    def _defect(error: Exception) -> Response:
        log.exception("defect")
        failed = InternalError("Something went wrong on our side. Look before you send it again.")
        return _openai_error(failed, may_be_paid=True)

    @blp.post("/openai/v1/chat/completions")
    @blp.post("/openai/v1/<path:prefix>/chat/completions")
    @blp.post("/v1/chat/completions")
    @demands(Access.SERVED, Right((OPENAI,)))
    def chat_completions(caller: Caller, prefix: str = "") -> Response:
        """Also under /v1: there `/models` is answered too, so a tool with that base address has
        found it right when it was set up."""
        raw = utf8(request, raw_body(request))
        if not is_json(request.mimetype, raw) and not looks_like_json(raw):
            raise WrongContentType(
                "Send the chat as JSON, with the header “Content-Type: application/json”."
            )
        named = user_in_headers(request), _user(prefix), user_in_query(request)
        return _chat(caller, with_payer(raw, *named, only=caller.user))

    @blp.get("/openai/v1/models")
    @blp.get("/openai/v1/<path:prefix>/models")
    @demands(Access.SERVED, Right((OPENAI, "models", VIEW)))
    def models(caller: Caller, prefix: str = "") -> Response:
        if user := _user(prefix):
            checked(user)
            if caller.token is not None:
                caller.token.user_instead_of(user)
        parts = services()
        answer = parts.client.stream("GET", "/models", key=caller.key, content=None, headers={})
        _pause_if_refused(answer, caller)
        return _passed(answer, caller.key, answer.chunks())

    @blp.route("/openai/<path:unknown>", methods=["GET", "POST"])
    @demands(Access.OPEN)
    def nothing_here(unknown: str) -> Response:
        raise NotFound(_not_here(unknown))

    return blp


def _not_here(path: str) -> str:
    """What to do instead of calling `path`, which is not there."""
    parts = path.removesuffix("chat/completions").split("/")
    if parts[0] != "v1":
        return f"There is nothing at this address. {_BASE}"
    wanted = [part for part in parts[1:] if part in _NOT_HERE]
    return _NOT_HERE[wanted[0]] if wanted else f"{_ONLY_CHATS} {_BASE}"


def _user(prefix: str) -> str:
    """The user in an address, "" for none; a doubled `/v1` is none.

    Raises NotFound, or InvalidField for an id with a slash, which is two parts of an address.
    """
    if prefix and "%2f" in as_sent(request.environ).casefold():
        raise InvalidField(
            "An id with a slash cannot stand in the address. Send it as “user” in the request, or "
            "in the header “X-Paywall-User”.",
            field="user",
        )
    parts = [part for part in prefix.split("/") if part not in ("", "v1")]
    if not parts:
        return ""
    if len(parts) > 1 or parts[0].strip().casefold() in _NOT_USERS:
        raise NotFound(f"There is nothing at this address. {_BASE}")
    return parts[0]


def _chat(caller: Caller, body: bytes) -> Response:
    """Ask upstream, and pass its answer on. What does not come as a stream is read to its end
    first: an answer that breaks off could not say any more that it may have been paid for."""
    client, key = services().client, caller.key
    try:
        answer = client.stream("POST", "/chat/completions", key=key, content=body, headers={})
        _pause_if_refused(answer, caller)
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            return _passed(answer, key, _chunks(answer), may_be_paid=True)
        try:
            begin = answer.whole()
        except ConnectorError:
            answer.close()
            raise
    except KeyRefused:
        raise  # the token pauses
    except ConnectorError as error:
        return _openai_error(error, may_be_paid=not error.nothing_happened)
    paid = answer.status not in _NOTHING_PAID
    return _passed(answer, key, _after(begin, answer), may_be_paid=paid)


def _pause_if_refused(answer: UpstreamAnswer, caller: Caller) -> None:
    """Raises KeyRefused where upstream does not know the key behind a token; a caller's own key is
    told so in upstream's words."""
    if answer.status == 401 and caller.token is not None:
        answer.close()
        raise KeyRefused("Paywalls does not accept the key behind this token.")


def _passed(
    answer: UpstreamAnswer, key: str, body: Iterator[bytes], *, may_be_paid: bool = False
) -> Response:
    if answer.status != 401:
        services().rate_limits.proven(key)
    response = Response(body, answer.status, direct_passthrough=True)
    response.headers.clear()
    response.headers.update(answer.headers)
    if may_be_paid:
        response.headers.update(_NEVER_AGAIN)
    response.call_on_close(answer.close)
    return response


def _after(begin: bytes, answer: UpstreamAnswer) -> Iterator[bytes]:
    yield begin
    yield from _chunks(answer)


def _chunks(answer: UpstreamAnswer) -> Iterator[bytes]:
    try:
        yield from answer.chunks()
    except ConnectorError as error:
        # The status line is gone: ending the stream early is all that can be told.
        log.warning("stream_broken", code=error.code)
        raise


def _too_large() -> BodyTooLarge:
    megabytes = services().settings.openai_body_max / 1_000_000
    return BodyTooLarge(
        f"The request is too large: it may have at most {megabytes:g} MB. Send fewer or smaller "
        "images, or a shorter conversation."
    )


def _openai_error(error: ConnectorError, *, may_be_paid: bool = False) -> Response:
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
    if may_be_paid:
        response.headers.update(_NEVER_AGAIN)
    return response
