"""gunicorn's Response, without asking the same again for every answer."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.http.errors import InvalidHeader, InvalidHeaderName  # type: ignore[import-untyped]
from gunicorn.http.message import TOKEN_RE  # type: ignore[import-untyped]
from gunicorn.http.wsgi import HEADER_VALUE_RE, Response  # type: ignore[import-untyped]


class PlainResponse(Response):  # type: ignore[misc]
    """Writes the same bytes: names of headers are judged once, the date is made once a second."""

    def process_headers(self, headers: list[tuple[str, str]]) -> None:
        for name, value in headers:
            kind = _kind(name)
            if not isinstance(value, str):
                raise TypeError(f"{value!r} is not a string")
            if not HEADER_VALUE_RE.fullmatch(value):
                raise InvalidHeader(f"{value!r}")
            if kind is _HOP:
                super().process_headers([(name, value)])
                continue
            stripped = value.strip(" \t")
            if kind is _LENGTH:
                self.response_length = int(stripped)
            self.headers.append((name, stripped))

    def default_headers(self) -> list[str]:
        if self.upgrade or self.chunked:
            lines: list[str] = super().default_headers()
            return lines
        connection = "close" if self.should_close() else "keep-alive"
        return [
            f"HTTP/1.1 {self.status}\r\nServer: {self.version}\r\n"
            f"Date: {_date(int(time.time()))}\r\nConnection: {connection}\r\n"
        ]


_HOP, _LENGTH, _PLAIN = object(), object(), object()


@lru_cache(maxsize=256)
def _kind(name: Any) -> object:
    if not isinstance(name, str):
        raise TypeError(f"{name!r} is not a string")
    if not TOKEN_RE.fullmatch(name):
        raise InvalidHeaderName(f"{name!r}")
    if util.is_hoppish(name):
        return _HOP
    return _LENGTH if name.lower() == "content-length" else _PLAIN


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return str(util.http_date(second))
