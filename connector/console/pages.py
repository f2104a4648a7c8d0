"""What all pages share: their frame, their headers, and when a page is wanted instead of JSON.

Pages work without JavaScript, take nothing from anybody else, and may not be shown inside a page of
somebody else. The address on them is the operator's setting, never the Host header.
"""

from __future__ import annotations

from flask import Request, Response, render_template, request

from connector import __version__
from connector.api.services import services
from connector.brands import PAYWALLS
from connector.config.settings import Settings
from connector.specs.example import EXAMPLE_ADDRESS
from connector.specs.flowxo import KEY

HTML, JSON = "text/html", "application/json"
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def page(template: str, status: int = 200, *, private: bool = False, **values: object) -> Response:
    """A template of this room as an answer, with what the frame needs filled in; a `private` one
    is kept by nobody."""
    response = Response(render_template(template, **shared(), **values), status, mimetype=HTML)
    response.headers.update(_HEADERS)
    if private:
        response.headers["Cache-Control"] = "no-store"
        return response
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    if status == 200:
        response.make_conditional(request)
    return response


def shared() -> dict[str, object]:
    """What every page is told: the connector's address, its key in the sandbox, and its version."""
    settings = services().settings
    return {
        "address": address(settings),
        "is_example": settings.public_url is None,
        "sandbox": settings.sandbox,
        "key": PAYWALLS.first_sandbox_key if settings.sandbox else KEY,
        "version": __version__,
    }


def address(settings: Settings) -> str:
    """The connector's public address, or an example of one."""
    return settings.public_url or EXAMPLE_ADDRESS


def wants_page(asked: Request) -> bool:
    """Whether a browser asks, rather than a tool: it prefers HTML to JSON."""
    accepted = asked.accept_mimetypes
    best = accepted.best_match([JSON, HTML])
    return best == HTML and accepted[HTML] > accepted[JSON]
