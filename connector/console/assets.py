"""The stylesheet, the script and the sign of the pages, and the sign where browsers look for it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from flask import Blueprint, Response

from connector.api.authentication import Access, demands
from connector.errors import NotFound

_TYPES = {
    "pages.css": "text/css",
    "pages.js": "text/javascript",
    "favicon.svg": "image/svg+xml",
}


def blueprint() -> Blueprint:
    """The routes of what pages are made of."""
    blp = Blueprint("assets", __name__)

    @blp.get("/assets/<name>")
    @demands(Access.OPEN)
    def asset(name: str) -> Response:
        if name not in _TYPES:
            raise NotFound("There is nothing at this address. The first page is /.")
        return _sent(name)

    @blp.get("/favicon.ico")
    @demands(Access.OPEN)
    def favicon() -> Response:
        return _sent("favicon.svg")

    return blp


def _sent(name: str) -> Response:
    response = Response(_content(name), mimetype=_TYPES[name])
    response.headers["Cache-Control"] = "public, max-age=3600"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.add_etag()
    return response


@cache
def _content(name: str) -> bytes:
    return (files("connector.console") / "static" / name).read_bytes()
