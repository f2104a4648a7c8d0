"""The sandbox as a Flask application: the only place where its parts are joined."""

import time
from collections.abc import Callable

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from connector.brands import PAYWALLS, Brand
from connector.sandbox import chat_api, control_api, pages, user_api, webhooks_api
from connector.sandbox.calls import answer
from connector.sandbox.courier import Courier
from connector.sandbox.errors import SandboxError, error_body
from connector.sandbox.outgoing import Send, post
from connector.sandbox.world import World

MARK = "X-Paywalls-Sandbox"
LARGEST_BODY = 8 * 1024 * 1024


def create_sandbox(
    retry_base: float = 30.0,
    clock: Callable[[], float] = time.time,
    send: Send = post,
    brand: Brand = PAYWALLS,
) -> Flask:
    """Return a new sandbox with no paywalls yet; all state lives in the returned application.

    `retry_base` is the wait in seconds before a webhook's second attempt, `clock` gives seconds
    since 1970, `send` posts webhooks (over the network, unless a test puts something else here),
    `brand` is the name of the vendor under which it plays.
    A dropped connection leaves the application as ConnectionDropped, a ConnectionResetError.
    """
    app = Flask(__name__, static_folder=None)
    app.config.update(PROPAGATE_EXCEPTIONS=True, MAX_CONTENT_LENGTH=LARGEST_BODY)
    app.extensions["sandbox"] = World(clock, Courier(clock, retry_base, send), brand)
    for part in (user_api, chat_api, webhooks_api, control_api, pages):
        app.register_blueprint(part.blueprint)
    app.register_error_handler(SandboxError, _refused)
    app.register_error_handler(HTTPException, _http_error)
    app.after_request(_marked)
    return app


def _refused(error: SandboxError) -> Response:
    if error.status == 404 and request.blueprint == pages.blueprint.name:
        return pages.not_found_page()
    response = answer(error.body, error.status)
    response.headers.update(error.headers)
    return response


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    message = error.description or error.name
    if status in (404, 405):
        message = f"There is no operation {request.method} {request.path}."
    response = answer(error_body(status, message), status)
    for name, value in error.get_headers():
        if name.lower() == "allow":
            response.headers[name] = value
    return response


def _marked(response: Response) -> Response:
    response.headers[MARK] = "true"
    return response
