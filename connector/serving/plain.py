"""Plain requests: HTTP/1.1 in which nothing is unusual, read by the C parser alone.

gunicorn looks at every header for what could be special about it, and asks the same again for each
request. Here a request in which anything is special, or wrong, is not plain, and gunicorn's own
code reads it from its beginning; what is plain means the same to both
(tests/serving/test_plain.py holds the two against each other).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.http.wsgi import base_environ  # type: ignore[import-untyped]

try:
    from gunicorn_h1c import IncompleteError, ParseError, parse_request
except ImportError:
    parse_request = None

_METHODS = {
    name.encode(): name for name in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
}
_PATH = re.compile(rb"/(?:[!\"$-.0-~][!\"$-~]*)?")
"""Of visible ASCII, not beginning with two slashes, without a fragment."""
_LENGTH_DIGITS = 15
_CONNECTIONS = {"close": True, "keep-alive": False}
_UNUSUAL = frozenset(("TRANSFER-ENCODING", "EXPECT", "UPGRADE", "TRAILER", "TE", "PROXY"))
_ONCE = frozenset(("HOST", "CONTENT-TYPE", "CONTENT-LENGTH", "CONNECTION"))


class PlainRequest:
    """What of gunicorn's Request is used here; `length` is that of its body."""

    __slots__ = (
        "_expected_100_continue",
        "headers",
        "length",
        "method",
        "must_close",
        "path",
        "peer_addr",
        "query",
        "uri",
        "version",
    )

    def __init__(
        self,
        method: str,
        uri: str,
        headers: list[tuple[str, str]],
        peer: tuple[Any, ...],
        length: int,
        closes: bool,
    ) -> None:
        self.method, self.uri, self.headers, self.peer_addr = method, uri, headers, peer
        self.path, _, self.query = uri.partition("?")
        self.version = (1, 1)
        self.length, self.must_close = length, closes
        self._expected_100_continue = False

    def force_close(self) -> None:
        """Nothing is read behind it."""
        self.must_close = True

    def should_close(self) -> bool:
        """Whether the connection ends with the answer."""
        return self.must_close


Reader = Callable[[bytes, Any], tuple[PlainRequest, bytes] | None]


def reader(cfg: Any) -> Reader | None:
    """What reads the plain request at the beginning of some bytes, of a peer: it gives the request
    and what stands behind its headers, or None. None in its place where gunicorn is to read all:
    without the C parser, or with settings under which headers mean more."""
    if (
        parse_request is None
        or cfg.http_parser == "python"
        or cfg.is_ssl
        or cfg.proxy_protocol != "off"
        or cfg.forwarded_allow_ips
        or cfg.strip_header_spaces
        or cfg.permit_obsolete_folding
        or os.environ.get("SCRIPT_NAME")
    ):
        return None
    limits = {
        "limit_request_line": cfg.limit_request_line,
        "limit_request_fields": cfg.limit_request_fields,
        "limit_request_field_size": cfg.limit_request_field_size,
    }
    if min(limits.values()) <= 0:
        return None

    def read(data: bytes, peer: Any) -> tuple[PlainRequest, bytes] | None:
        try:
            found = parse_request(data, **limits)
        except (IncompleteError, ParseError):
            return None
        request = _plain(found, peer)
        return None if request is None else (request, data[found["consumed"] :])

    return read


def environ(request: PlainRequest, local: Any, base: dict[str, Any]) -> dict[str, Any]:
    """The WSGI environ, the same as gunicorn's; `local` is the address that was connected to,
    `base` comes from `environ_base`."""
    made = base.copy()
    made["REQUEST_METHOD"] = request.method
    made["QUERY_STRING"] = request.query
    made["RAW_URI"] = request.uri
    made["PATH_INFO"] = util.unquote_to_wsgi_str(request.path)
    made["REMOTE_ADDR"] = request.peer_addr[0]
    made["REMOTE_PORT"] = str(request.peer_addr[1])
    made["SERVER_NAME"] = local[0]
    made["SERVER_PORT"] = str(local[1])
    for name, value in request.headers:
        key = _environ_key(name)
        made[key] = f"{made[key]},{value}" if key in made else value
    return made


def environ_base(cfg: Any) -> dict[str, Any]:
    """What is the same in the environ of every plain request."""
    return {
        **base_environ(cfg),
        "wsgi.url_scheme": "http",
        "SCRIPT_NAME": "",
        "SERVER_PROTOCOL": "HTTP/1.1",
    }


def _plain(found: dict[str, Any], peer: Any) -> PlainRequest | None:
    method = _METHODS.get(found["method"])
    if method is None or found["minor_version"] != 1 or not _PATH.fullmatch(found["path"]):
        return None
    if not isinstance(peer, tuple):
        return None
    headers, seen = [], {}
    for raw_name, raw_value in found["headers"]:
        name = _usual(raw_name)
        if name is None:
            return None
        value = raw_value.decode("latin-1")
        if name in _ONCE:
            if name in seen:
                return None
            seen[name] = value
        headers.append((name, value))
    length = seen.get("CONTENT-LENGTH", "0")
    closes = _CONNECTIONS.get(seen.get("CONNECTION", "keep-alive").lower())
    if closes is None or not (length.isascii() and length.isdigit()):
        return None
    if len(length) > _LENGTH_DIGITS:
        return None
    return PlainRequest(method, found["path"].decode("ascii"), headers, peer, int(length), closes)


@lru_cache(maxsize=1_024)
def _usual(name: bytes) -> str | None:
    """A header's name as gunicorn writes it; None if the header may change what is understood."""
    if not name or b"_" in name or not name.isascii():
        return None
    upper = name.decode("ascii").upper()
    return None if upper in _UNUSUAL else upper


@lru_cache(maxsize=1_024)
def _environ_key(name: str) -> str:
    key = name.replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
