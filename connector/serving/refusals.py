"""What is told to a client whose request never reaches the app."""

from __future__ import annotations

from gunicorn.http.errors import (  # type: ignore[import-untyped]
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)

from connector import errors, jsontext
from connector.serving.bodies import NoRoom
from connector.telemetry import logs


class TooSlow(Exception):
    """A request did not come to its end in time."""


class CutShort(Exception):
    """The client has ended its side before the request was whole."""


def answer_to(cause: Exception) -> bytes:
    """A whole answer, in the shape of every error, after which the connection is closed."""
    status, reason, error = _told(cause)
    body = jsontext.dumps(error.problem(logs.request_id(), status=status))
    again = f"Retry-After: {error.retry_after}\r\n" if error.retry_after else ""
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\n{again}"
        f"Content-Type: application/problem+json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def is_the_clients(cause: Exception) -> bool:
    """Whether the client can mend it; anything else is a defect of ours."""
    return isinstance(cause, ParseException | TooSlow | CutShort | NoRoom)


def _told(cause: Exception) -> tuple[int, str, errors.ConnectorError]:
    """Status, reason and error."""
    if isinstance(cause, LimitRequestLine):
        text = "The address of this request is too long. Send the values in the body instead."
        return 414, "URI Too Long", errors.MalformedRequest(text)
    if isinstance(cause, LimitRequestHeaders):
        text = "The headers of this request are too large. Send fewer or shorter ones."
        return 431, "Request Header Fields Too Large", errors.MalformedRequest(text)
    if isinstance(cause, UnsupportedTransferCoding):
        text = "The request uses a transfer encoding that is not supported. Send it plain."
        return 501, "Not Implemented", errors.MalformedRequest(text)
    if isinstance(cause, ParseException):
        text = (
            "This is not a valid HTTP request. Check that no header, such as the one with the "
            "key, holds a line break or other invisible characters."
        )
        return 400, "Bad Request", errors.MalformedRequest(text)
    if isinstance(cause, TooSlow):
        text = "The request did not come to its end in time. Send it again."
        return 408, "Request Timeout", errors.MalformedRequest(text, retryable=True)
    if isinstance(cause, CutShort):
        text = "The request ends before its end: a part is missing. Send it again, whole."
        return 400, "Bad Request", errors.MalformedRequest(text)
    if isinstance(cause, NoRoom):
        text = "Too many large requests are coming in right now. Send it again in a few seconds."
        return 503, "Service Unavailable", errors.Unavailable(text, retry_after=5)
    text = "Something went wrong on our side. The server's log has the details."
    return 500, "Internal Server Error", errors.InternalError(text)
