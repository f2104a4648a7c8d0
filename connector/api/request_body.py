"""Reading a request's body as text that is what its sender wrote, or saying why it cannot be read.

Nothing that was sent is ignored: JSON under a form's header is read as JSON, and a body that is
compressed, not UTF-8, or of a kind that nobody reads here is refused by name.
"""

from __future__ import annotations

import codecs
import re
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

from flask import Request
from werkzeug.datastructures import MultiDict
from werkzeug.formparser import FormDataParser

from connector import jsontext
from connector.errors import InvalidField, MalformedRequest, WrongContentType, quoted

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
FIELDS_MAX = 1_000
"""How many fields a form or an address may have."""

_UTF8 = ("utf-8", "utf-8-sig")
_COMPRESSED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip"}
"""How bodies begin that were compressed without a header that says so."""
_DEFLATED = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_LOOKS_LIKE_JSON = re.compile(rb"\s*(?:\{\s*[\"'}]|\[)")
_PAIRS = "names with values, such as user=user_42"


class TwiceInJson(ValueError):
    """A JSON object names something twice, with different values."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def raw_body(request: Request) -> bytes:
    """The body's bytes as they were sent. Raises WrongContentType for one that says that it is
    compressed, and what reading it raises when it is too large."""
    packed = request.headers.get("Content-Encoding", "").strip().casefold()
    if packed not in ("", "identity"):
        raise _compressed(packed)
    return request.get_data(cache=False)


def utf8(request: Request, raw: bytes) -> bytes:
    """The body as UTF-8 without a mark at its beginning. Raises WrongContentType, naming the
    encoding, for one that is compressed or other text."""
    header = request.headers.get("Content-Type", "")
    charset = _charset(request) if "charset" in header.casefold() else "utf-8"
    if charset == "utf-8" and raw.isascii() and b"\0" not in raw[:4]:
        return raw
    if (other := _other_text(raw, charset)) is not None:
        raise WrongContentType(
            f"The body is written in {other}, which is not read here. Send it as UTF-8, and let "
            "the header “Content-Type” name no other charset."
        )
    return raw.removeprefix(codecs.BOM_UTF8)


def json_value(raw: bytes) -> Any:
    """What a body of JSON holds. Raises MalformedRequest, or InvalidField for a name that stands
    in one object twice with different values."""
    try:
        return jsontext.loads(raw, pairs=_each_name_once)
    except TwiceInJson as twice:
        raise InvalidField(
            f"“{quoted(twice.name)}” stands in the body more than once. Send it once.",
            field=quoted(twice.name),
        ) from None
    except ValueError:
        raise MalformedRequest(
            "The body is not valid JSON. Check the quotes, commas and brackets; text must stand "
            "in double quotes."
        ) from None


def json_object(raw: bytes) -> dict[str, Any]:
    """The object that a body of JSON holds. Raises MalformedRequest or InvalidField."""
    values = json_value(raw)
    if not isinstance(values, dict):
        raise MalformedRequest(
            'The body must be one JSON object with names and values, such as {"user": "user_42"}.'
        )
    return values


def form_fields(raw: bytes) -> MultiDict[str, str]:
    """The fields of an urlencoded form. Raises MalformedRequest for what is none."""
    check_escapes(raw, "form")
    return MultiDict(parse_qsl(raw.decode(), keep_blank_values=True))


def multipart_fields(request: Request, raw: bytes) -> MultiDict[str, str]:
    """The fields of a form in parts, which are UTF-8 each.

    Raises InvalidField for a file, MalformedRequest for what is not in the parts that its header
    tells of: werkzeug's own `request.form` would just be empty.
    """
    options = request.mimetype_params
    parser = FormDataParser(max_form_parts=FIELDS_MAX, silent=False)
    try:
        begun = b"--" + options.get("boundary", "").encode("ascii") in raw
        _, fields, files = parser.parse(BytesIO(raw), MULTIPART, len(raw), options)
    except ValueError:
        begun = False
    if raw and not begun:
        raise MalformedRequest(
            "The body is not in the parts that its header “Content-Type” tells of. Leave that "
            "header to your tool: it has to name the boundary between the parts."
        )
    for file in files.values():
        file.close()
    for name in files:
        raise InvalidField(
            f"“{quoted(name)}” is a file. Send its value as text instead.", field=quoted(name)
        )
    utf8(request, raw)
    return fields


def is_json(kind: str, raw: bytes) -> bool:
    """Whether a body of the content type `kind` is JSON: because that says so, or because it is,
    although it says that it is a form (as curl and Google Apps Script say by themselves)."""
    return (
        kind == "application/json"
        or kind.endswith("+json")
        or (kind == FORM and looks_like_json(raw))
    )


def looks_like_json(raw: bytes) -> bool:
    """Whether a body begins as an object or a list does."""
    return _LOOKS_LIKE_JSON.match(raw) is not None


def check_escapes(raw: bytes, where: str) -> None:
    """Refuse what is not `name=value&…`, or is not UTF-8, before it is read as something else.

    `where` is "form" or "address". Raises MalformedRequest.
    """
    if not raw:
        return
    if b"%" in raw or not raw.isascii():
        try:
            unquote_to_bytes(raw).decode()
        except UnicodeDecodeError:
            raise not_utf8(where) from None
    fields = raw.split(b"&")
    if len(fields) > FIELDS_MAX:
        raise MalformedRequest(f"The {where} has too many fields: at most {FIELDS_MAX:,} are read.")
    if any(b"=" not in field for field in fields if field):
        raise MalformedRequest(
            f"A value in the {where} has no name. Send {_PAIRS}."
            if where == "address"
            else f"The body is no form: a value has no name. Send {_PAIRS}, or send JSON."
        )


def not_utf8(where: str) -> MalformedRequest:
    """The refusal of letters that are encoded in another way than UTF-8."""
    return MalformedRequest(
        f"A letter in the {where} is not encoded as UTF-8, in which é is %C3%A9, not %E9. Encode "
        "it as UTF-8, or send the values as JSON."
    )


def _charset(request: Request) -> str:
    """The encoding that the header names, by Python's name for it; UTF-8 where it names none."""
    named = request.mimetype_params.get("charset", "").strip().casefold()
    try:
        return codecs.lookup(named).name if named else "utf-8"
    except (LookupError, ValueError):
        return quoted(named)


def _other_text(raw: bytes, charset: str) -> str | None:
    """The name of the encoding of a body that is not UTF-8, or is said not to be; None for UTF-8,
    and for a body that is the same in both. Raises WrongContentType for one that is compressed."""
    for begin, packed in _COMPRESSED.items():
        if raw.startswith(begin):
            raise _compressed(packed)
    if raw.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "UTF-32"
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in raw[:4]:
        return "UTF-16"
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        if raw.startswith(_DEFLATED):
            raise _compressed("deflate") from None
        if charset in _UTF8:
            return "another encoding than UTF-8 (it looks like Latin-1 or Windows-1252)"
        return _shown(charset)
    try:
        return None if charset in _UTF8 or raw.decode(charset) == text else _shown(charset)
    except (LookupError, UnicodeDecodeError):
        return _shown(charset)


def _shown(charset: str) -> str:
    return {"iso8859-1": "Latin-1 (ISO-8859-1)", "cp1252": "Windows-1252"}.get(
        charset, charset.upper()
    )


def _compressed(how: str) -> WrongContentType:
    return WrongContentType(
        f"The body is compressed ({quoted(how)}), which is not read here. Send it as it is: switch "
        "compression off in your tool, and leave the header “Content-Encoding” out."
    )


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    together = dict(pairs)
    if len(together) != len(pairs):
        for name, value in pairs:
            if together[name] != value:
                raise TwiceInJson(name)
    return together
