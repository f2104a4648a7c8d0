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
from flask.globals import app_ctx

from connector.api.keys import find_key, refuse_key_in_query
from connector.api.services import Services, services, upstream
from connector.errors import ConnectorError, KeyRefused, NotAllowedByToken
from connector.security.token_text import is_token
from connector.security.tokens import Standing, Token
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
    ACCEPTED = "accepted"
    """A key that upstream accepts in this very call, and whose paywall is known as well as can be:
    what is made lasts longer than a key that was revoked."""
    FRESH = "fresh"
    """That, and that triggers can fire."""


@dataclass(frozen=True)
class Right:
    """What a connector token needs for a route: one of these names of `security.rights`; without
    any, only the key itself will do. `one_user`: whether the route keeps a token of one user to
    that user."""

    any_of: tuple[str, ...] = ()
    one_user: bool = True


ONLY_THE_KEY = Right()
EVERY_TOKEN = Right(("me",))


@dataclass(frozen=True)
class Caller:
    """Who calls: the key that upstream is sent, the conversation with upstream within the request's
    budget, the paywall where the route demands it (PAYWALL and above), and the connector token that
    was shown instead of the key."""

    key: str
    upstream: Upstream
    known_paywall: Paywall | None = None
    token: Token | None = None

    @property
    def paywall(self) -> Paywall:
        """The caller's paywall. Raises RuntimeError where the route does not demand one."""
        if self.known_paywall is None:
            raise RuntimeError("the route that is called does not demand a paywall")
        return self.known_paywall

    @property
    def token_id(self) -> str:
        """The token's id, "" for the key itself."""
        return self.token.id if self.token else ""

    @property
    def user(self) -> str:
        """The one user that the token is for, "" for all."""
        return self.token.user if self.token else ""


def demands(access: Access, right: Right = ONLY_THE_KEY) -> Callable[[View], View]:
    """Mark a view as one that demands `access`. OPEN and SIGNED ask nothing here; all others are
    called with the Caller first, whose key or token stands in a header.

    Raises what `find_key`, the rate limit and `admit` raise.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def called(*args: Any, **kwargs: Any) -> Any:
            if access in (Access.OPEN, Access.SIGNED):
                _refuse_crowd()
                return view(*args, **kwargs)
            refuse_key_in_query(request)
            identify(find_key(request), right)
            if request.method == "HEAD":
                return unasked()
            return answered(lambda: view(admit(access), *args, **kwargs))

        called.access, called.right = access, right  # type: ignore[attr-defined]
        return called

    return decorate


def unasked() -> Response:
    """The answer to HEAD wherever GET costs something or has an effect: that the address, the
    values and the key are well-formed. Nobody is asked."""
    return Response(mimetype="application/json")


def identify(key: str, right: Right) -> None:
    """The first half of the step: count a call with this key or token, and see that a token may
    make it.

    Raises TooManyRequests, also for the server that had no thread for this call; and what
    Tokens.admit and Token.require raise.
    """
    _refuse_crowd()
    parts, notes = services(), app_ctx.g
    notes.key = key
    notes.end_count = parts.rate_limits.count(key, request.remote_addr or "")
    if not is_token(key):
        return
    notes.standing = parts.tokens.admit(key)
    parts.rate_limits.proven(key)
    token = notes.standing.token
    token.require(right.any_of)
    if token.user and not right.one_user:
        raise NotAllowedByToken(
            "This token is for one user, and this tells about all of them. Ask the paywall's owner "
            "for another token."
        )


def answered(view: Callable[[], Response]) -> Response:
    """The answer of a view, as it may be told to the holder of a token: if upstream refuses the key
    behind the token, it pauses; and who held one that was revoked meanwhile is told nothing.

    Raises what the view raises, TokenPaused, or KeyRefused.
    """
    shown: Standing | None = g.get("standing")
    if shown is None:
        return view()
    tokens = services().tokens
    try:
        answer = view()
    except KeyRefused:
        raise tokens.pause(shown) from None
    try:
        tokens.check_again(shown)
    except ConnectorError:
        answer.close()  # a stream would go on
        raise
    return answer


def _refuse_crowd() -> None:
    refused: ConnectorError | None = request.environ.get(REFUSED)
    if refused is not None:
        raise refused


def admit(access: Access) -> Caller:
    """The second half, once the input was read: who calls with the key that was identified.

    Raises PaywallNotAllowed, TriggersNotReady, or what proving a key raises (Identity.prove).
    """
    parts = services()
    notes = app_ctx.g
    shown: Standing | None = notes.get("standing")
    key = shown.key if shown else notes.key
    line = upstream(key)
    token = shown.token if shown else None
    return Caller(key, line, _paywall(parts, access, key, line), token)


def _paywall(parts: Services, access: Access, key: str, line: Upstream) -> Paywall | None:
    if access in (Access.FRESH, Access.ACCEPTED):
        parts.identity.prove_again(key, line)
    if access is Access.ACCEPTED:
        paywall = parts.readiness.paywall(key, line)
    elif access in (Access.READY, Access.FRESH):
        paywall = parts.readiness.require(key, line)
    elif access is Access.PAYWALL or (access is Access.SERVED and parts.admission.restricted):
        paywall = parts.admission.admit(key, line)
    else:
        return None
    parts.rate_limits.proven(key)
    return paywall
