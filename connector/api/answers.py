"""How the routes answer."""

from __future__ import annotations

from flask import Response

from connector import jsontext


def json_answer(body: object, status: int = 200) -> Response:
    """`body` as JSON in which decimals keep their digits."""
    return Response(jsontext.dumps(body), status, mimetype="application/json")
