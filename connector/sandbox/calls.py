"""One upstream operation as a decorated function.

The decorator registers `/v1/…` and, where an operation is about a user, `/v1/<user>/…`;
around the function it checks the key, reads the input, keeps the request log and applies faults.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson
from flask import Blueprint, Response, current_app, request

from connector.sandbox.errors import ConnectionDropped, SandboxError
from connector.sandbox.faults import Fault, Faults
from connector.sandbox.inputs import read_body
from connector.sandbox.state import JsonObject, Paywall, User
from connector.sandbox.world import Scene, World

LONGEST_USER = 128


@dataclass(frozen=True, slots=True)
class Call:
    """What an operation gets: where it happens, who it is about ("" if nobody), what was sent."""

    scene: Scene
    operation: str
    user_id: str
    body: JsonObject
    query: Mapping[str, str]
    path: Mapping[str, str]
    idempotency_key: str
    forget_key: bool

    @property
    def paywall(self) -> Paywall:
        """The paywall that the key belongs to."""
        return self.scene.paywall

    def user(self) -> User:
        """Return the end user; SandboxError 400 where none is named."""
        if not self.user_id:
            raise SandboxError(
                400,
                f"No user: name one in `user`, in {self.paywall.brand.user_header} or in the path "
                "/v1/<user>/….",
            )
        return self.paywall.user(self.user_id)


View = Callable[[Call], Response]


def operation(
    blueprint: Blueprint, name: str, method: str, rule: str, *, for_user: bool = True
) -> Callable[[View], View]:
    """Register a view as the upstream operation `name`, one of `faults.OPERATIONS`."""

    def register(view: View) -> View:
        def handle(**path: str) -> Response:
            return _perform(name, view, path)

        blueprint.add_url_rule(f"/v1{rule}", view.__name__, handle, methods=[method])
        if for_user:
            endpoint = f"{view.__name__}_by_path"
            path_rule = f"/v1/<path_user>{rule}"
            blueprint.add_url_rule(path_rule, endpoint, handle, methods=[method])
        return view

    return register


def answer(data: object, status: int = 200) -> Response:
    """Return a JSON answer."""
    return Response(orjson.dumps(data), status, mimetype="application/json")


def world() -> World:
    """Return the state of the current application."""
    world: World = current_app.extensions["sandbox"]
    return world


def authenticated() -> Scene:
    """Return the scene of the paywall that the Bearer key proves; SandboxError 401 else."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise SandboxError(401, "Send the paywall's secret key as: Authorization: Bearer <key>.")
    here = world()
    return Scene(here, here.paywall(key.strip()), f"{request.scheme}://{request.host}")


def _perform(name: str, view: View, path: dict[str, str]) -> Response:
    scene = authenticated()
    body = read_body() if request.method == "POST" else {}
    user_id = _user_id(body, path.pop("path_user", ""))
    key = request.headers.get("Idempotency-Key", "")
    _log(scene.paywall, name, user_id, key)
    faults = scene.paywall.faults
    fault = faults.take(name)
    if fault:
        _before(fault, faults)
    forget = faults.take_forget(name)
    call = Call(scene, name, user_id, body, request.args, path, key, forget)
    response = view(call)
    return _after(fault, response) if fault else response


def _user_id(body: JsonObject, from_path: str) -> str:
    named = body.get("user", "")
    if not isinstance(named, str):
        raise SandboxError(400, "'user' must be a text.")
    header = request.headers.get(world().brand.user_header, "")
    user_id = named or request.args.get("user", "") or header or from_path
    if len(user_id) > LONGEST_USER:
        raise SandboxError(400, f"A user id has at most {LONGEST_USER} characters.")
    return user_id


def _log(paywall: Paywall, name: str, user_id: str, key: str) -> None:
    row = {
        "operation": name,
        "method": request.method,
        "path": request.path,
        "user": user_id,
        "idempotency_key": key,
        "time": paywall.now(),
    }
    paywall.requests.append(row)


def _before(fault: Fault, faults: Faults) -> None:
    """Do what a fault does before the operation; most end the request here."""
    match fault.kind:
        case "http_500":
            raise SandboxError(500, "The sandbox failed on purpose.")
        case "http_429":
            wait = str(max(1, round(fault.seconds)))
            raise SandboxError(429, "Too many requests, on purpose.", {"Retry-After": wait})
        case "http_401":
            raise SandboxError(401, "This API key was refused on purpose.")
        case "redirect":
            headers = {"Location": "https://elsewhere.example/v1"}
            raise SandboxError(307, "This moved elsewhere, on purpose.", headers)
        case "http_400" | "http_403" | "http_404" | "http_409" | "http_422":
            status = int(fault.kind.removeprefix("http_"))
            raise SandboxError(status, "This request was refused on purpose.")
        case "drop_before_commit":
            raise ConnectionDropped
        case "slow":
            time.sleep(fault.seconds)
        case "hold":
            faults.hold(fault.seconds)


def _after(fault: Fault, response: Response) -> Response:
    """Do what a fault does once the operation is done, streams to their end."""
    if fault.kind == "drop_after_commit":
        response.get_data()
        raise ConnectionDropped
    if fault.kind == "garbage":
        response.get_data()
        return Response("<html><body>Bad gateway, sort of</body></html>", mimetype="text/html")
    return response
