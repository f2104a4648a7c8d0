"""What a sandbox request can end with besides an answer.

SandboxError          a JSON error, `{"error": {"message", "type"}}`
ConnectionDropped     no answer at all: the server closes the TCP connection
"""

import errno
from collections.abc import Mapping

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "method_not_allowed",
    429: "rate_limit_error",
}


class SandboxError(Exception):
    """A refusal with an HTTP `status` (4xx, 5xx), one sentence, and extra answer `headers`."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})

    @property
    def body(self) -> dict[str, dict[str, str]]:
        """The JSON body."""
        return error_body(self.status, self.message)


class ConnectionDropped(ConnectionResetError):
    """Ends a request without an answer.

    It leaves the WSGI application as an exception: gunicorn and werkzeug then close the
    connection silently, `httpx.WSGITransport` raises it to the caller.
    """

    def __init__(self) -> None:
        super().__init__(errno.ECONNRESET, "The sandbox dropped this connection on purpose.")


def error_body(status: int, message: str) -> dict[str, dict[str, str]]:
    """Return the JSON body of an error; the `type` follows from the status."""
    return {"error": {"message": message, "type": _TYPES.get(status, "server_error")}}
