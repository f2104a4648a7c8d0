"""One address, one spelling, before anything else looks at it: doubled slashes and one at the end
are taken out, so that routes, authentication, limits and metrics see the same path.

A redirect instead would lose a POST's body, and lead to http:// behind a proxy.
"""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, request

from connector.api.request_body import not_utf8

METRICS = "/metrics"


def install(app: Flask) -> None:
    """Let `app` see one spelling of each address, and refuse those that are not UTF-8."""
    app.url_map.merge_slashes = False  # that would redirect
    app.wsgi_app = MergeSlashes(app.wsgi_app)  # type: ignore[method-assign]

    @app.before_request
    def _readable() -> None:
        """Raises MalformedRequest for a path that would be read as another one."""
        path: str = request.environ["PATH_INFO"]
        if path.isascii():
            return
        try:
            path.encode("latin-1").decode()
        except UnicodeError:
            raise not_utf8("address") from None


def merged(path: str) -> str:
    """`path` without empty parts: `/v1//charge/` gives `/v1/charge`, and no path at all `/`."""
    if "//" not in path and path[-1:] not in ("", "/"):
        return path
    return "/" + "/".join(part for part in path.split("/") if part)


def as_sent(environ: WSGIEnvironment) -> str:
    """The path as it stood on the wire, where the server tells it."""
    target: str = environ.get("RAW_URI") or environ.get("REQUEST_URI") or environ["PATH_INFO"]
    return target.partition("?")[0]


class MergeSlashes:
    """Hands requests on to `app` under the merged path.

    Metrics are the exception: a proxy keeps `/metrics` from strangers by that very spelling, so no
    other spelling leads there.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = merged(environ.get("PATH_INFO", ""))
        if path == METRICS and as_sent(environ) != METRICS:
            path = f"{METRICS}/"
        environ["PATH_INFO"] = path
        return self._app(environ, start_response)
