"""Reads JSON bodies and their fields, with a plain sentence for whatever is wrong."""

from collections.abc import Collection

import orjson
from flask import request

from connector.sandbox.errors import SandboxError
from connector.sandbox.state import JsonObject


def read_body() -> JsonObject:
    """Return the request's JSON object, {} where the body is empty; SandboxError 400 else."""
    raw = request.get_data()
    if not raw.strip():
        return {}
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise SandboxError(400, "The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise SandboxError(400, "The body must be a JSON object.")
    return body


def only(body: JsonObject, names: Collection[str]) -> None:
    """Refuse fields that are not among the names."""
    unknown = sorted(set(body) - set(names))
    if unknown:
        known = ", ".join(sorted(names))
        raise SandboxError(400, f"Unknown field {unknown[0]!r}. There are: {known}.")


def text(body: JsonObject, name: str, default: str = "", longest: int = 2000) -> str:
    """Return a text field."""
    value = body.get(name, default)
    if not isinstance(value, str) or len(value) > longest:
        raise SandboxError(400, f"{name!r} must be a text of at most {longest} characters.")
    return value


def one_of(body: JsonObject, name: str, choices: Collection[str]) -> str:
    """Return a text field that must be one of the choices."""
    value = body.get(name)
    if value not in choices:
        raise SandboxError(400, f"{name!r} must be one of: {', '.join(choices)}.")
    return str(value)


def seconds(body: JsonObject, name: str, default: float, most: float) -> float:
    """Return a number of seconds from 0 up to `most`."""
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise SandboxError(400, f"{name!r} must be a number of seconds from 0 to {most:g}.")
    return float(value)


def whole(body: JsonObject, name: str, default: int, least: int, most: int) -> int:
    """Return a whole number between two bounds."""
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise SandboxError(400, f"{name!r} must be a whole number from {least} to {most}.")
    return value


def flag(body: JsonObject, name: str, default: bool) -> bool:
    """Return a true or false field."""
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise SandboxError(400, f"{name!r} must be true or false.")
    return value


def an_object(body: JsonObject, name: str) -> JsonObject:
    """Return a field that holds a JSON object, {} where it is missing or null."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise SandboxError(400, f"{name!r} must be a JSON object.")
    return value
