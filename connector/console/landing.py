"""The first page, and the page for addresses at which there is nothing."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import NotFound as NoRoute

from connector.api.authentication import Access, demands
from connector.api.responses import from_http, respond
from connector.api.services import services
from connector.console.pages import page, wants_page
from connector.errors import NotFound


def blueprint() -> Blueprint:
    """The route of the first page."""
    blp = Blueprint("landing", __name__, template_folder="templates")

    @blp.get("/")
    @demands(Access.OPEN)
    def home() -> Response:
        settings = services().settings
        triggers = bool(settings.public_url)
        return page("landing.html", triggers=triggers, keeps_keys=settings.keep_keys)

    return blp


def install(app: Flask) -> None:
    """Let a browser have a page where there is nothing; tools get the problem that they got."""

    def answered(error: NotFound) -> Response:
        problem = respond(error)
        if not wants_page(request):
            return problem
        found = page("missing.html", 404, message=error.message)
        found.vary.add("Accept")
        return found

    @app.errorhandler(NotFound)
    def _ours(error: NotFound) -> Response:
        return answered(error)

    @app.errorhandler(404)
    def _flask(error: NoRoute) -> Response:
        told = from_http(error)
        return answered(told) if isinstance(told, NotFound) else respond(told)
