"""JSON as text: reading keeps the digits of numbers, writing is fast (orjson)."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson


def loads(
    text: str | bytes, pairs: Callable[[list[tuple[str, Any]]], dict[str, Any]] | None = None
) -> Any:
    """Read JSON; numbers with a fraction or beyond 64 bits become `Decimal` with all their digits.
    `pairs` makes an object of its names with values, and may raise ValueError.

    Raises ValueError for anything that is not JSON (NaN included), nests more than about 250
    levels, holds half of a surrogate pair or an exponent beyond `Decimal`: what could not be
    written again.
    """
    try:
        value = (_reader if pairs is None else _decoder(pairs)).decode(_text(text))
        dumps([[[[value]]]])
    except (RecursionError, TypeError, InvalidOperation) as error:
        raise ValueError("this JSON cannot be written again") from error
    return value


def dumps(value: object) -> bytes:
    """Write JSON in UTF-8; a `Decimal` is written as a number with its own digits."""
    return orjson.dumps(value, default=_digits)


def pretty(text: str) -> str:
    """JSON text on several lines, to be read by people."""
    return orjson.dumps(loads(text), default=_digits, option=orjson.OPT_INDENT_2).decode()


def scalar(value: object) -> str:
    """A JSON text or number as text; "" for null, yes or no, lists and objects."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return ""
    return str(value)


def _text(text: str | bytes) -> str:
    return text if isinstance(text, str) else text.decode(json.detect_encoding(text))


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) < 19 else Decimal(text)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _decoder(
    pairs: Callable[[list[tuple[str, Any]]], dict[str, Any]] | None,
) -> json.JSONDecoder:
    return json.JSONDecoder(
        parse_float=Decimal,
        parse_int=_integer,
        parse_constant=_no_constant,
        object_pairs_hook=pairs,
    )


_reader = _decoder(None)
"""Made once: making one takes as long as reading a short text."""


def _digits(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
