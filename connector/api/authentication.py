"""Who calls: one step of authentication, rate limit and admission, which each route names.

A route says what it demands with an `Access`, where it is declared. Here is what that means, and
the only place where it is done (tests/api/test_route_access.py lists every route with its step).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from typing import Any

from flask import Response, g, request

from connector.api.keys import find_key, refuse_key_in_query
from connector.api.services import Services, services, upstream
from connector.errors import ConnectorError
from connector.store.paywall_rows import Paywall
from connector.upstream import Upstream

View = Callable[..., Any]

REFUSED = "connector.refused"
"""Where the server puts an error into the environ that a request must be answered with."""


class Access(StrEnum):
    """What a route demands of who calls it; each one demands what those between KEY and it do."""

    OPEN = "open"
    """Nothing: the answer is the same for everybody."""
    SIGNED = "signed"
    """Upstream's signature over the body, which the receiver checks."""
    KEY = "key"
    """A key that can be one; the call is counted."""
    SERVED = "served"
    """A key whose paywall this connector serves; upstream checks the key when it is asked. No
    question of ours comes first where every paywall is served."""
    PAYWALL = "paywall"
    """A key that upstream has accepted: it is known whose it is."""
    READY = "ready"
    """Also that triggers can fire for the paywall; waits for that up to 5 s."""
    FRESH = "fresh"
    """Also that upstream accepts the key in this very call: what is made lasts longer than a key
    that was revoked."""


@dataclass(frozen=True)
class Caller:
    """Who calls: the key, the conversation with upstream within the request's budget, and the
    paywall where the route demands it (PAYWALL and above)."""

    key: str
    upstream: Upstream
    known_paywall: Paywall | None = None

    @property
    def paywall(self) -> Paywall:
        """The caller's paywall. Raises RuntimeError where the route does not demand one."""
        if self.known_paywall is None:
            raise RuntimeError("the route that is called does not demand a paywall")
        return self.known_paywall


def demands(access: Access) -> Callable[[View], View]:
    """Mark a view as one that demands `access`. OPEN and SIGNED ask nothing here; all others are
    called with the Caller first, whose key stands in a header.

    Raises what `find_key`, the rate limit and `admit` raise.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def called(*args: Any, **kwargs: Any) -> Any:
            if access in (Access.OPEN, Access.SIGNED):
                _refuse_crowd()
                return view(*args, **kwargs)
            refuse_key_in_query(request)
            identify(find_key(request))
            if request.method == "HEAD":
                return unasked()
            return view(admit(access), *args, **kwargs)

        called.access = access  # type: ignore[attr-defined]
        return called

    return decorate


def unasked() -> Response:
    """The answer to HEAD wherever GET costs something or has an effect: that the address, the
    values and the key are well-formed. Nobody is asked."""
    return Response(mimetype="application/json")


def identify(key: str) -> None:
    """The first half of the step: count a call with this key. Raises TooManyRequests, also for the
    server that had no thread for this call."""
    _refuse_crowd()
    g.key = key
    g.end_count = services().rate_limits.count(key, request.remote_addr or "")


def _refuse_crowd() -> None:
    refused: ConnectorError | None = request.environ.get(REFUSED)
    if refused is not None:
        raise refused


def admit(access: Access) -> Caller:
    """The second half, once the input was read: who calls with the key that was identified.

    Raises PaywallNotAllowed, TriggersNotReady, or what proving a key raises (Identity.prove).
    """
    parts, key = services(), g.key
    line = upstream(key)
    return Caller(key, line, _paywall(parts, access, key, line))


def _paywall(parts: Services, access: Access, key: str, line: Upstream) -> Paywall | None:
    if access is Access.FRESH:
        parts.identity.prove_again(key, line)
    if access in (Access.READY, Access.FRESH):
        paywall = parts.readiness.require(key, line)
    elif access is Access.PAYWALL or (access is Access.SERVED and parts.admission.restricted):
        paywall = parts.admission.admit(key, line)
    else:
        return None
    parts.rate_limits.proven(key)
    return paywall
