"""Care for the one upstream subscription of a paywall: made once, adopted, remade when gone.

Under a lease: commit the endpoint, list, adopt ours, else create, list again, delete surplus ones
of our own address only. Upstream tells a paywall's id only here.
"""

from __future__ import annotations

import structlog
from sqlalchemy import Connection

from connector.config.settings import Settings
from connector.errors import ConnectorError, KeyRefused, UpstreamBroken
from connector.inbound.endpoints import Endpoints
from connector.security.encryption import Encryption
from connector.security.identity import Identity
from connector.store import Store, event_rows, kept_key_rows, subscription_rows
from connector.store.paywall_rows import Paywall
from connector.store.subscription_rows import FAILED, READY, Subscription
from connector.telemetry.metrics import gap_found
from connector.upstream import Upstream, webhooks
from connector.upstream.webhooks import Subscribed

DESCRIPTION = "Paywalls Connector"
NO_PUBLIC_URL = (
    "Triggers cannot fire, because this connector has no public address: ask its operator to set "
    "CONNECTOR_PUBLIC_URL. Until then, a new Paywalls key does not know the references that were "
    "used with the old one."
)
_DEFECT = "Triggers could not be switched on. The connector's log says why."
_WAS_OFF = (
    "The webhook subscription at Paywalls had been switched off or deleted, and was made again. "
    "What happened meanwhile may be missing."
)

log = structlog.get_logger(__name__)


class Subscriptions:
    """Looks after subscriptions with callers' keys, or with kept ones in the worker."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        identity: Identity,
        endpoints: Endpoints,
        encryption: Encryption,
    ) -> None:
        self._settings, self._store, self._identity = settings, store, identity
        self._endpoints, self._encryption = endpoints, encryption

    def row(self, paywall: Paywall) -> Subscription | None:
        """The subscription as it was last seen."""
        return self._store.read(lambda connection: subscription_rows.get(connection, paywall.id))

    def well(self, row: Subscription | None) -> bool:
        """Whether events come in, as far as was seen in the last ten minutes."""
        return (
            row is not None
            and row.state == READY
            and row.fresh
            and row.endpoint_id is not None
            and self._endpoints.is_current(row.endpoint_id)
        )

    def care(self, key: str, paywall: Paywall, upstream: Upstream) -> Paywall:
        """See that the subscription is there, and keep the key if there are hooks; the paywall,
        which may be known under another local id now. What upstream causes is written into the
        row as a problem; only KeyRefused is raised as well."""
        if not self._endpoints.address:
            return paywall
        token = self._store.write(
            lambda connection: subscription_rows.take_lease(connection, paywall.id)
        )
        if token is None:
            return paywall
        try:
            chosen = self._subscribe(paywall, upstream)
        except ConnectorError as error:
            log.warning("subscription_failed", paywall=paywall.id, code=error.code)
            before = self.row(paywall)
            passing = error.retryable and before is not None and before.state == READY
            self._settle(paywall, token, READY if passing else FAILED, error.message, None)
            if isinstance(error, KeyRefused):
                raise
            return paywall
        except Exception:
            self._settle(paywall, token, FAILED, _DEFECT, None)
            raise
        root = self._identity.learn(key, chosen.paywall_id)
        self._settle(paywall, token, READY, "", self._endpoints.id_in(chosen.url))
        if root.id != paywall.id:
            return self.care(key, root, upstream)
        self.keep_key(key, root)
        return root

    def leave(self, paywall: Paywall, upstream: Upstream) -> None:
        """Delete our subscriptions of a paywall that is not to be served. Raises as upstream
        does."""
        for one in self._ours(upstream):
            webhooks.unsubscribe(upstream, one.id)
        self._store.write(lambda connection: subscription_rows.unsubscribed(connection, paywall.id))

    def keep_key(self, key: str, paywall: Paywall) -> None:
        """Keep a key that upstream has just accepted, sealed, for the worker and for tokens, where
        a hook or a token needs one and it is newer than the kept one."""
        if not self._settings.keep_keys:
            return
        prints = tuple(self._identity.fingerprints(key).values())
        sealed = self._encryption.seal(key)
        self._store.write(
            lambda connection: kept_key_rows.keep(connection, paywall.id, prints, sealed)
        )

    def wants_key(self, key: str, paywall: Paywall) -> bool:
        """Whether the key is to be kept, once upstream has accepted it."""
        prints = tuple(self._identity.fingerprints(key).values())
        return self._settings.keep_keys and self._store.read(
            lambda connection: kept_key_rows.wants(connection, paywall.id, prints)
        )

    def learn_pair(self, paywall: Paywall, wallet_id: str, user: str) -> None:
        """Remember which user a wallet id belongs to."""
        self._store.write(
            lambda connection: event_rows.learn_pair(connection, paywall.id, wallet_id, user)
        )

    def _settle(
        self, paywall: Paywall, token: int, state: str, problem: str, endpoint_id: str | None
    ) -> None:
        self._store.write(
            lambda connection: subscription_rows.settle(
                connection,
                paywall.id,
                token,
                state=state,
                problem=problem,
                endpoint_id=endpoint_id,
            )
        )

    def _subscribe(self, paywall: Paywall, upstream: Upstream) -> Subscribed:
        """The one subscription of ours under the signing secret, made if there is none; all
        others of our own address are gone afterwards."""
        ours = self._ours(upstream)
        before = self.row(paywall)
        was_off = not ours and before is not None and before.endpoint_id is not None
        if not self._usable(paywall, ours):
            endpoint_id = self._endpoints.new()
            self._store.write(
                lambda connection: subscription_rows.add_endpoint(
                    connection, endpoint_id, paywall.id
                )
            )
            made = webhooks.subscribe(
                upstream,
                self._endpoints.url(endpoint_id),
                self._endpoints.signing_secret(endpoint_id),
                DESCRIPTION,
            )
            listed = self._ours(upstream)
            ours = listed if made.id in [one.id for one in listed] else [*listed, made]
        usable = self._usable(paywall, ours)
        if not usable:
            raise UpstreamBroken("Paywalls did not make the subscription that was asked for.")
        chosen = min(usable, key=lambda one: (one.created_at, one.id))
        endpoint_id = self._endpoints.id_in(chosen.url)

        def note(connection: Connection) -> None:
            subscription_rows.add_endpoint(connection, endpoint_id, paywall.id)
            subscription_rows.name_endpoint(connection, endpoint_id, chosen.id)
            subscription_rows.retire_endpoints(connection, paywall.id, endpoint_id)

        self._store.write(note)
        if was_off:
            gap_found()
            log.error("possible_gap", paywall=paywall.id, what=["subscription"])
            self._store.write(lambda c: subscription_rows.note_gap(c, paywall.id, _WAS_OFF))
        for surplus in ours:
            if surplus.id != chosen.id:
                webhooks.unsubscribe(upstream, surplus.id)
        return chosen

    def _ours(self, upstream: Upstream) -> list[Subscribed]:
        subscribed = webhooks.subscriptions(upstream)
        return [one for one in subscribed if one.active and self._endpoints.id_in(one.url)]

    def _usable(self, paywall: Paywall, ours: list[Subscribed]) -> list[Subscribed]:
        """Those under the signing secret whose endpoint is this paywall's, or was lost with a
        database. What comes in at another one's endpoint would never be seen here."""
        ids = {one.id: self._endpoints.id_in(one.url) for one in ours}

        def owners(connection: Connection) -> dict[str, str]:
            known = [subscription_rows.endpoint(connection, given) for given in ids.values()]
            return {endpoint.id: endpoint.paywall_id for endpoint in known if endpoint is not None}

        owner = self._store.read(owners)
        return [
            one
            for one in ours
            if self._endpoints.is_current(ids[one.id])
            and owner.get(ids[one.id], paywall.id) == paywall.id
        ]
