"""What the server itself must know of an address: how much may come, and how long it may take."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from typing import Any

from gunicorn import util  # type: ignore[import-untyped]

from connector.api.addresses import merged
from connector.api.body_limits import BODY_MAX

_OPENAI = ("/openai/", "/v1/chat/completions")
_INBOUND = "/v1/inbound/"


class Lane(Enum):
    """How a request gets its thread."""

    ALIVE = "alive"
    """Answered whatever the threads do, and whatever the database does."""
    READY = "ready"
    """Answered whatever the threads do."""
    SHORT = "short"
    LONG = "long"
    """Streams and long waits: at most a quarter of the threads for one sender."""


_OWN_LANE = {"/healthz": Lane.ALIVE, "/readyz": Lane.READY}


@dataclass(frozen=True)
class Rules:
    """What holds for one request: its lane, the most bytes of its body, and who sent it."""

    lane: Lane
    body_max: int
    sender: bytes
    key: str
    """The key in its headers, "" for none."""
    key_needed: bool
    """Whether it is refused without a key in its headers, so that its body need not be read."""


UNKNOWN = Rules(Lane.SHORT, body_max=0, sender=b"", key="", key_needed=False)
"""While the headers have not come."""


class RuleBook:
    """Tells the rules of a request whose headers have come."""

    def __init__(self, openai_body_max: int, proxies: int, accepted: Any) -> None:
        """`proxies` is how many proxies in front say where a request came from; `accepted(key)`
        tells whether upstream has accepted a key here lately."""
        self._openai_body_max, self._proxies, self._accepted = openai_body_max, proxies, accepted

    def of(self, request: Any) -> Rules:
        """`request` is gunicorn's."""
        path = merged(util.unquote_to_wsgi_str(request.path))
        headers = dict(request.headers)
        key = _key(headers)
        passed_through = path.startswith(_OPENAI)
        long = passed_through and request.method == "POST"
        lane = _OWN_LANE.get(path, Lane.LONG if long else Lane.SHORT)
        return Rules(
            lane=lane,
            body_max=self._openai_body_max if passed_through else BODY_MAX,
            sender=self._sender(request, path, headers, key),
            key=key,
            key_needed=passed_through,
        )

    def _sender(self, request: Any, path: str, headers: dict[str, str], key: str) -> bytes:
        """Whose turn it is: the key's once upstream has accepted it, else the address's; strangers
        could name any number of keys. A delivery counts for the endpoint that it goes to."""
        if key and self._accepted(key):
            return b"key " + hashlib.sha256(key.encode("latin-1")).digest()[:16]
        if path.startswith(_INBOUND):
            return b"endpoint " + path.encode("latin-1")[:120]
        address = request.peer_addr[0] if isinstance(request.peer_addr, tuple) else "local"
        if self._proxies:
            hops = [part.strip() for part in headers.get("X-FORWARDED-FOR", "").split(",")]
            if len(hops) >= self._proxies and hops[-self._proxies]:
                address = hops[-self._proxies][:60]
        return b"address " + address.encode("latin-1", "replace")


def _key(headers: dict[str, str]) -> str:
    scheme, _, key = headers.get("AUTHORIZATION", "").strip(" ").partition(" ")
    if scheme.casefold() == "bearer" and key.strip(" "):
        return key.strip(" ")
    return headers.get("X-API-KEY", "").strip(" ")
