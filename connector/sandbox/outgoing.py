"""One HTTP POST to a webhook receiver."""

import http.client
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 10.0

Send = Callable[[str, Mapping[str, str], bytes], int]
"""Posts a body with headers to an address and returns the status of the answer.

Raises OSError or http.client.HTTPException where there is no answer, ValueError where the
address cannot be one."""


def post(url: str, headers: Mapping[str, str], body: bytes) -> int:
    """Post over a new connection, without redirects and without proxies; 10 s per read."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, dict(headers))
        answer = connection.getresponse()
        answer.read(65_536)
        return answer.status
    finally:
        connection.close()
