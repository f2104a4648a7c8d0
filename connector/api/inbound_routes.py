"""Where upstream posts events to. No key: the signature proves who sends."""

from __future__ import annotations

from flask import Blueprint, Response, request

from connector import jsontext
from connector.api.authentication import Access, demands
from connector.api.services import services
from connector.brands import signatures


def blueprint() -> Blueprint:
    """`POST /v1/inbound/<endpoint>`."""
    blp = Blueprint("inbound", __name__, url_prefix="/v1/inbound")

    @blp.post("/<endpoint>")
    @demands(Access.SIGNED)
    def take(endpoint: str) -> Response:
        """200 once the event is durable; 503 for whatever may be our own fault."""
        result = services().inbound.take(
            endpoint,
            request.get_data(cache=False),
            signatures(request.headers.items()),
        )
        return Response(jsontext.dumps({"result": result}), mimetype="application/json")

    return blp
