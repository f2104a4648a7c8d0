"""Reading the flat input of an action from JSON, a form or the query string, all alike.

`""`, null, `[]`, `{}` and missing are the same. Headers fill in `user` and `reference`. What
no action field is called is refused by name, and so is a value in which a tool's template token
was left.
"""

from __future__ import annotations

import contextlib
import difflib
from typing import Any

from flask import Request, g
from marshmallow import Schema
from werkzeug.datastructures import MultiDict

from connector import jsontext
from connector.api.keys import refuse_key_in_query
from connector.api.payer import header_text, placeholder_left, refuse_lost_plus, user_in_headers
from connector.api.request_body import (
    FORM,
    MULTIPART,
    check_escapes,
    form_fields,
    is_json,
    json_object,
    multipart_fields,
    raw_body,
    utf8,
)
from connector.catalog.actions import fields_of
from connector.catalog.fields import Words
from connector.catalog.references import REFERENCE_MAX
from connector.errors import (
    ConnectorError,
    InvalidField,
    MalformedRequest,
    WrongContentType,
    quoted,
)
from connector.jsontext import scalar

_SHORT = 65_536
_FLAT_METADATA = "metadata_"
_EMPTY: tuple[object, ...] = ("", None, [], {})


def read(request: Request, schema: type[Schema]) -> dict[str, Any]:
    """What a request gives, by name, for `fitted`; `api_key` is still among it. Notes in `g.soft`,
    `g.sent` and `g.reference` what an error's answer needs.

    Raises MalformedRequest, WrongContentType or InvalidField.
    """
    if request.query_string:
        _soften_early(request.args)
        refuse_key_in_query(request)
        check_escapes(request.query_string, "address")
    g.sent = {}
    try:
        values = _single(request.args, "query string")
    except InvalidField:
        with contextlib.suppress(ConnectorError):
            _soften(_body(request))  # for what the answer keeps
        raise
    refuse_lost_plus(values)
    _soften(values)
    body = _body(request)
    _soften(body)
    if request.method in ("POST", "PUT"):
        for name, value in body.items():
            if name in values and not _same(values[name], value):
                g.sent.pop(name, None)
                raise InvalidField(
                    f"“{quoted(name)}” stands in the address and in the body with different "
                    "values. Send it once.",
                    field=quoted(name),
                )
        values |= body
    elif body.keys() - {"api_key"}:  # which is no value; the key is looked for in the headers
        raise MalformedRequest(
            f"A {request.method} request is read from its address alone, but this one has values "
            "in its body too. Put them into the address, or send them with POST."
        )
    _fill_in_headers(request, values, schema)
    return values


def arguments(request: Request, given: dict[str, Any], schema: type[Schema]) -> dict[str, Any]:
    """The same of values that came in another shape than a flat request, for `fitted`: empty ones
    are missing, and headers fill in. Notes in `g.sent` and `g.reference` what an error needs.

    Raises InvalidField.
    """
    g.sent = {}
    values = _noted({name: value for name, value in given.items() if value not in _EMPTY})
    _fill_in_headers(request, values, schema)
    return values


def _fill_in_headers(request: Request, values: dict[str, Any], schema: type[Schema]) -> None:
    fields = fields_of(schema)
    if "user" in fields:
        _fill_in(values, "user", user_in_headers(request), "a header")
    own = "refund_reference" if "refund_reference" in fields else "reference"
    if own in fields:
        key = header_text(request.headers.get("Idempotency-Key", ""))
        _fill_in(values, own, key, "the header “Idempotency-Key”")
    if "reference" in fields:
        g.reference = quoted(scalar(values.get("reference")), REFERENCE_MAX)


def look_whether_soft(request: Request, schema: type[Schema]) -> None:
    """Note in `g.soft` how a refusal is to be told, unless the body is too long to be read for
    that."""
    if (request.content_length or 0) <= _SHORT:
        with contextlib.suppress(ConnectorError):
            read(request, schema)


def fitted(
    values: dict[str, Any], schema: Schema, beside: tuple[str, ...] = ("api_key", "errors")
) -> dict[str, Any]:
    """`values` as `schema` names them, not validated yet; `beside` may be sent too, and was read
    already. Raises InvalidField."""
    _gather_metadata(values, schema)
    _refuse_unknown(values, schema, beside)
    _refuse_templates(values, schema)
    return values


def _soften_early(given: MultiDict[str, str]) -> None:
    """Note `errors=soft` before anything else can go wrong."""
    if given.get("errors") == "soft":
        g.soft = True


def _soften(values: dict[str, Any]) -> None:
    asked = values.pop("errors", None)
    if asked == "soft":
        g.soft = True
    elif asked is not None:
        raise InvalidField("“errors” can only be “soft”, or be left out.", field="errors")


def _body(request: Request) -> dict[str, Any]:
    if request.environ.get("CONTENT_LENGTH", "") in ("", "0"):
        return {}
    raw = raw_body(request)
    if not raw.strip():
        return {}
    kind = request.mimetype
    if kind == MULTIPART:
        return _fields(multipart_fields(request, raw))
    raw = utf8(request, raw)
    if is_json(kind, raw):
        values = json_object(raw)
        return _noted({name: value for name, value in values.items() if value not in _EMPTY})
    if kind == FORM:
        values = _fields(form_fields(raw))
        refuse_lost_plus(values)
        return values
    raise WrongContentType(
        "Send the values as JSON (with the header “Content-Type: application/json”) or as a form."
    )


def _fields(form: MultiDict[str, str]) -> dict[str, Any]:
    _soften_early(form)
    return _single(form, "form")


def _single(pairs: MultiDict[str, Any], where: str) -> dict[str, Any]:
    lists = list(pairs.lists())
    twice = [name for name, many in lists if any(value != many[0] for value in many)]
    values = _noted(
        {name: many[0] for name, many in lists if many[0] not in _EMPTY and name not in twice}
    )
    if twice:
        raise InvalidField(
            f"“{quoted(twice[0])}” stands in the {where} more than once. Send it once.",
            field=quoted(twice[0]),
        )
    return values


def _noted(values: dict[str, Any]) -> dict[str, Any]:
    """The same values, noted as sent: an error's answer keeps what is not at fault itself."""
    g.sent |= values
    return values


def _fill_in(values: dict[str, Any], name: str, in_header: str, where: str) -> None:
    """Take a value from a header. Raises InvalidField where the request says something else."""
    if not in_header:
        return
    if name in values and not _same(values[name], in_header):
        g.sent.pop(name, None)
        raise InvalidField(
            f"“{name}” stands in {where} and in the request with different values: "
            f"“{quoted(in_header)}” and “{quoted(scalar(values[name]))}”. Send it once.",
            field=name,
        )
    values.setdefault(name, in_header)
    g.sent.setdefault(name, in_header)


def _same(one: object, other: object) -> bool:
    """Whether two places say the same; 42 is "42"."""
    return one == other or (scalar(one) != "" and scalar(one).strip() == scalar(other).strip())


def _gather_metadata(values: dict[str, Any], schema: Schema) -> None:
    flat = (
        {
            name.removeprefix(_FLAT_METADATA): values.pop(name)
            for name in list(values)
            if name.startswith(_FLAT_METADATA) and name != _FLAT_METADATA
        }
        if "metadata" in schema.fields
        else {}
    )
    if not flat:
        return
    whole = values.get("metadata", {})
    if isinstance(whole, str):
        try:
            whole = jsontext.loads(whole)
        except ValueError:
            return
    if isinstance(whole, dict):
        values["metadata"] = whole | flat


def _refuse_unknown(values: dict[str, Any], schema: Schema, beside: tuple[str, ...]) -> None:
    for name in values:
        if name in schema.fields:
            continue
        known = [*schema.fields, *beside]
        close = difflib.get_close_matches(name.casefold(), known, n=1, cutoff=0.5)
        raise InvalidField(
            f"There is no field called “{quoted(name)}” here. "
            + (
                f"Did you mean “{close[0]}”?"
                if close
                else f"The fields are: {', '.join(schema.fields) or 'none'}."
            ),
            field=quoted(name),
        )


def _refuse_templates(values: dict[str, Any], schema: Schema) -> None:
    for name, value in values.items():
        field = schema.fields[name]
        if isinstance(field, Words) and not field.template_ok and _holds_template(value):
            raise placeholder_left(name, field.label)


def _holds_template(value: object) -> bool:
    if isinstance(value, str):
        return "{{" in value
    if isinstance(value, list):
        return any(_holds_template(item) for item in value)
    if isinstance(value, dict):
        return any(_holds_template(item) for pair in value.items() for item in pair)
    return False
