"""Telling apart the ways in which the billing API can fail.

What decides is whether anything can have happened upstream (errors.py): a request that was never
sent, or that was refused as such, did nothing; after a timeout, a 5xx, a dead connection or an
unreadable answer nobody knows.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from enum import Enum
from typing import Any

import httpx

from connector import jsontext
from connector.brands import BRANDS, KEY_PREFIXES, PAYWALLS
from connector.deadline import Deadline
from connector.errors import (
    KeyRefused,
    UpstreamBroken,
    UpstreamBusy,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnreachable,
)

_SAID_MAX = 160
_DOUBT = (408, 409, 425)
_UNREACHED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
REFUSED_KEY = (
    "Paywalls does not know this key. Copy the secret key of your paywall from the Paywalls "
    f"dashboard again; it starts with {' or '.join(KEY_PREFIXES)}."
)
_TEST_KEY = (
    "This is a key of the sandbox, and this connector works with real money. Use the secret key of "
    "your paywall instead, from the Paywalls dashboard."
)
_LIVE_KEY = (
    "This connector works with a sandbox, which knows no real keys. Use one of its own, such as "
    f"{PAYWALLS.first_sandbox_key}, or the address of your live connector."
)
_UNREADABLE = "Paywalls answered with something that cannot be read. {hint}"


class Again(Enum):
    """Whether a call may be sent a second time after a failure that leaves doubt; the value is the
    sentence that says so to the caller."""

    FREELY = "It is safe to try again."
    SAME_REFERENCE = "Send it again with the same reference: it will not count twice."
    NEVER = "It may or may not have been done, so look before you send it again."

    @property
    def retryable(self) -> bool:
        return self is not Again.NEVER


@contextlib.contextmanager
def told_as_ours(deadline: Deadline | None, again: Again) -> Iterator[None]:
    """httpx's exceptions, told as ours; from None, because theirs may quote the request."""
    try:
        yield
    except _UNREACHED:
        raise UpstreamUnreachable(
            "Paywalls cannot be reached right now, so nothing was done. Try again in a minute."
        ) from None
    except httpx.TimeoutException:
        raise UpstreamTimeout(
            f"Paywalls did not answer in time. {again.value}", retryable=again.retryable
        ) from None
    except httpx.HTTPError:
        if deadline is not None and deadline.left() == 0:
            raise UpstreamTimeout(
                f"Paywalls did not answer in time. {again.value}", retryable=again.retryable
            ) from None
        raise UpstreamBroken(
            f"The connection to Paywalls broke before the answer came. {again.value}",
            retryable=again.retryable,
        ) from None


def parsed(raw: bytes, again: Again) -> Any:
    """The JSON of an answer. Raises UpstreamBroken where there is none."""
    try:
        return jsontext.loads(raw)
    except ValueError:
        raise UpstreamBroken(
            _UNREADABLE.format(hint=again.value), retryable=again.retryable
        ) from None


def refused_key(key: str, *, sandbox: bool) -> KeyRefused:
    """What is told about a key that upstream does not know; whoever moves a flow from test to live
    changes the address and forgets the key, or the other way round."""
    of_sandbox = key.startswith(tuple(brand.sandbox_key for brand in BRANDS.values()))
    if of_sandbox and not sandbox:
        return KeyRefused(_TEST_KEY)
    if sandbox and not of_sandbox and key.startswith(KEY_PREFIXES):
        return KeyRefused(_LIVE_KEY)
    return KeyRefused(REFUSED_KEY)


def failure(response: httpx.Response, raw: bytes, again: Again) -> Exception:
    """What an answer means that is not the one hoped for, apart from a refused key (401)."""
    status = response.status_code
    if status == 429:
        seconds = _retry_after(response.headers.get("retry-after", ""))
        return UpstreamBusy(
            f"Paywalls asked to slow down, so nothing was done. Try again in {seconds} seconds.",
            retry_after=seconds,
        )
    if 400 <= status < 500 and status not in _DOUBT:
        said = _said(raw)
        return UpstreamRejected(
            "Paywalls did not accept the request, so nothing was done. "
            + (f"It said: {said}" if said else "Check the values and try again.")
        )
    if 300 <= status < 400:
        return UpstreamBroken(
            "Paywalls answered with a redirect instead of a result. Ask the operator to check "
            "CONNECTOR_UPSTREAM_URL.",
            retryable=False,
        )
    return UpstreamBroken(
        f"Paywalls failed to answer (its status was {status}). {again.value}",
        retryable=again.retryable,
    )


def _retry_after(value: str) -> int:
    return min(int(value), 3600) if value.isascii() and value.isdigit() else 5


def _said(raw: bytes) -> str:
    """Upstream's own words from an error body of unknown shape, or "", as one short sentence."""
    try:
        body = jsontext.loads(raw)
    except ValueError:
        return ""
    for name in ("error", "message", "detail"):
        value = body.get(name) if isinstance(body, dict) else None
        if isinstance(value, dict):
            value = value.get("message")
        if isinstance(value, str) and value:
            text = " ".join("".join(c if c.isprintable() else " " for c in value).split())
            text = text if len(text) <= _SAID_MAX else text[: _SAID_MAX - 1] + "…"
            return text if text.endswith((".", "!", "?")) else f"{text}."
    return ""
