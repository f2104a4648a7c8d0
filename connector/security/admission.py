"""Who may use this connector: everybody with a valid key, or the paywalls that its operator named.

Upstream tells a paywall's id only through a subscription. Where ids matter (an operator's list) one
is made first, and is taken back from who turns out not to be on the list.
"""

from __future__ import annotations

from typing import Protocol

import structlog

from connector.errors import ConnectorError, KeyRefused, PaywallNotAllowed
from connector.security.identity import Identity
from connector.store.paywall_rows import Paywall
from connector.upstream import Upstream

_WAIT_SECONDS = 8.0
_NOT_LISTED = (
    "This connector only serves certain paywalls, and this key's paywall is not one of them. Ask "
    "the connector's operator to add it to CONNECTOR_ALLOWED_PAYWALLS."
)
_CANNOT_TELL = (
    "This connector only serves certain paywalls, and cannot find out which one this key belongs "
    "to. Ask its operator to set CONNECTOR_PUBLIC_URL."
)
_NOT_YET = (
    "This connector only serves certain paywalls, and is asking Paywalls right now which one this "
    "key belongs to. Try again in a few seconds."
)

log = structlog.get_logger(__name__)


class SubscriptionCare(Protocol):
    """What admission needs of the upstream subscriptions (connector.inbound.subscriptions)."""

    def care(self, key: str, paywall: Paywall, upstream: Upstream) -> Paywall:
        """The paywall with its id, once a subscription was made or found."""

    def leave(self, paywall: Paywall, upstream: Upstream) -> None:
        """Delete the subscription of a paywall that is not served."""


class Admission:
    """Lets keys in. `allowed`: the upstream ids of the paywalls to serve; empty for all."""

    def __init__(
        self,
        allowed: frozenset[str],
        identity: Identity,
        subscriptions: SubscriptionCare,
        *,
        reachable: bool,
    ) -> None:
        self._allowed, self._reachable = allowed, reachable
        self._identity, self._subscriptions = identity, subscriptions

    @property
    def restricted(self) -> bool:
        """Whether it matters whose key it is."""
        return bool(self._allowed)

    def admit(self, key: str, upstream: Upstream) -> Paywall:
        """The paywall of a key that may be served.

        Raises PaywallNotAllowed, or what proving a key raises (Identity.prove).
        """
        paywall = self._identity.prove(key, upstream)
        if not self._allowed:
            return paywall
        if not paywall.upstream_id and self._reachable:
            paywall = self._introduced(key, paywall, upstream.limited_to(_WAIT_SECONDS))
        if paywall.upstream_id in self._allowed:
            return paywall
        if paywall.upstream_id:
            raise PaywallNotAllowed(_NOT_LISTED)
        raise PaywallNotAllowed(_NOT_YET if self._reachable else _CANNOT_TELL)

    def _introduced(self, key: str, paywall: Paywall, upstream: Upstream) -> Paywall:
        """The paywall once upstream has told its id, if it does."""
        paywall = self._subscriptions.care(key, paywall, upstream)
        if paywall.upstream_id and paywall.upstream_id not in self._allowed:
            try:
                self._subscriptions.leave(paywall, upstream)
            except KeyRefused:
                raise
            except ConnectorError as error:
                log.warning("stranger_not_left", paywall=paywall.id, code=error.code)
        return paywall
