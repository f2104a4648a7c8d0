"""`/openapi.json` and the interactive page `/docs`, with all its parts served from here."""

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

from flask import Blueprint, Response, send_from_directory
from flask_smorest import Api

from connector import jsontext
from connector.api import openapi
from connector.api.authentication import Access, demands
from connector.api.services import services
from connector.brands import PAYWALLS
from connector.errors import NotFound

_ASSETS = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Paywalls Connector</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" type="image/png" href="docs/favicon-32x32.png">
</head>
<body>
<div id="page"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_START = """window.onload = () => {
  const page = SwaggerUIBundle({
    url: "openapi.json", dom_id: "#page", deepLinking: true, tryItOutEnabled: true,
    defaultModelsExpandDepth: -1, docExpansion: "list", validatorUrl: null,
    onComplete: () => SIGNED_IN,
  });
};
"""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)


def blueprint(api: Api) -> Blueprint:
    """The description of `api` and its page."""
    blp = Blueprint("docs", __name__)

    @cache
    def described() -> bytes:
        return jsontext.dumps(openapi.build(api))

    @blp.get("/openapi.json")
    @demands(Access.OPEN)
    def openapi_json() -> Response:
        return Response(described(), mimetype="application/json")

    @blp.get("/docs")
    @demands(Access.OPEN)
    def docs() -> Response:
        response = Response(_PAGE, mimetype="text/html")
        response.headers["Content-Security-Policy"] = _POLICY
        return response

    @blp.get("/docs/start.js")
    @demands(Access.OPEN)
    def start() -> Response:
        """In the sandbox its key, which everybody knows, is filled in."""
        key = f'page.preauthorizeApiKey("bearer", "{PAYWALLS.first_sandbox_key}")'
        signed_in = key if services().settings.sandbox else "{}"
        return Response(_START.replace("SIGNED_IN", signed_in), mimetype="text/javascript")

    @blp.get("/docs/<name>")
    @demands(Access.OPEN)
    def asset(name: str) -> Response:
        if name not in _ASSETS:
            raise NotFound("There is nothing at this address. The page is /docs.")
        return send_from_directory(_swagger(), name, max_age=3600)

    return blp


@cache
def _swagger() -> Path:
    with as_file(files("flask_swagger_ui") / "dist") as folder:
        return folder
