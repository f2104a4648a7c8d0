"""How flask-smorest reads input here: every location is the one flat input."""

from __future__ import annotations

from typing import Any, NoReturn

from flask import Request
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser

from connector.api import flat_input
from connector.catalog.actions import Values
from connector.errors import InvalidField


class FlatParser(FlaskParser):
    """webargs, with every location read as the one flat input."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": None, "query": None}  # noqa: RUF012 -- webargs' own

    def load_json(self, req: Request, schema: Schema) -> Values:
        return flat_input.read(req, schema)

    def load_querystring(self, req: Request, schema: Schema) -> Values:
        return flat_input.read(req, schema)

    def handle_error(
        self, error: ValidationError, req: Request, schema: Schema, **_: Any
    ) -> NoReturn:
        """The first thing to mend, in the order of the form."""
        messages: Any = next(iter(error.messages_dict.values()))  # webargs nests by location
        name = next(n for n in schema.fields if n in messages)
        message = messages[name]
        while isinstance(message, list | dict):
            message = next(iter(message.values() if isinstance(message, dict) else message))
        raise InvalidField(str(message), field=name)


class FlatBlueprint(Blueprint):  # type: ignore[misc]
    """flask-smorest's blueprint with our parser."""

    ARGUMENTS_PARSER = FlatParser()
