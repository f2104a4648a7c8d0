"""Whether triggers can fire for a caller, and whether nothing was missed: nobody subscribes to
silence.

Actions only start the looking-after; `/v1/me`, polls and hooks wait for it up to 5 s.
"""

from __future__ import annotations

from datetime import UTC
from threading import Lock

from cachetools import TLRUCache

from connector.actions.call import Account
from connector.config.settings import Settings
from connector.deadline import Deadline
from connector.errors import KeyRefused, TriggersNotReady
from connector.inbound.background import Background
from connector.inbound.reconcile import Reconcile
from connector.inbound.subscriptions import NO_PUBLIC_URL, Subscriptions
from connector.security.admission import Admission
from connector.security.identity import Identity
from connector.store.paywall_rows import Paywall
from connector.store.subscription_rows import READY, Subscription
from connector.upstream import Client, Upstream

WAIT_SECONDS = 5.0
_WORK_SECONDS = 60.0
_AGAIN_SECONDS = 300.0
_PAIR_AGAIN_SECONDS = 120.0
_PAIR_KNOWN_SECONDS = 86_400.0
_SEEN_MAX = 20_000
_NOT_YET = "Triggers are being switched on for this paywall right now. Try again in a few seconds."
_WORK = "Triggers work."
NOT_KEPT = (
    "This connector does not keep keys, so events that are missed during an outage come back only "
    "when something polls."
)


class Readiness:
    """Sees to subscriptions and to reading back with the keys of callers."""

    def __init__(
        self,
        settings: Settings,
        identity: Identity,
        admission: Admission,
        client: Client,
        subscriptions: Subscriptions,
        reconcile: Reconcile,
        background: Background,
    ) -> None:
        self._settings, self._client = settings, client
        self._identity, self._admission = identity, admission
        self._subscriptions, self._reconcile = subscriptions, reconcile
        self._background = background
        self._seen: TLRUCache[str, float] = TLRUCache(
            _SEEN_MAX, ttu=lambda _, seconds, now: now + seconds
        )
        self._lock = Lock()

    def soon(self, key: str, user: str = "") -> None:
        """After a successful action: behind it, see to the subscription now and then, and learn
        which wallet its user has."""
        if not self._settings.public_url:
            return
        name = self._name(key)
        if self._again(name, _AGAIN_SECONDS):
            self._background.run(name, f"care {name}", lambda: self._care(key))
        self.learn(key, user)

    def learn(self, key: str, user: str) -> None:
        """Behind the request, learn once which wallet a user has, so that events can name the
        user. `user` may be ""."""
        name = self._name(key)
        pair = f"{name} {user}"
        if user and self._again(pair, _PAIR_AGAIN_SECONDS):
            self._background.run(name, f"pair {pair}", lambda: self._learn(key, user, pair))

    def paywall(self, key: str, upstream: Upstream) -> Paywall:
        """The caller's paywall, with its id if that can be known; waits up to 5 s for it. Raises
        what admitting the key raises."""
        return self._looked_after(key, upstream)[0]

    def require(self, key: str, upstream: Upstream) -> Paywall:
        """The caller's paywall, once triggers can fire for it; waits up to 5 s for that.

        Raises TriggersNotReady with the reason and the fix, or what proving the key raises.
        """
        paywall, row = self._looked_after(key, upstream)
        if not self._settings.public_url:
            raise TriggersNotReady(NO_PUBLIC_URL, retryable=False, retry_after=3600)
        if row is None or row.state != READY:
            raise TriggersNotReady((row.problem if row else "") or _NOT_YET, retry_after=5)
        return paywall

    def account(self, key: str, upstream: Upstream) -> Account:
        """What `/v1/me` tells: the paywall, and whether triggers can fire."""
        paywall, row = self._looked_after(key, upstream)
        ready = row is not None and row.state == READY and bool(self._settings.public_url)
        gap = self._gap(row)
        if not self._settings.public_url:
            message = NO_PUBLIC_URL
        elif not ready:
            message = (row.problem if row else "") or _NOT_YET
        else:
            message = gap or (_WORK if self._settings.keep_keys else f"{_WORK} {NOT_KEPT}")
        return Account(
            paywall_id=paywall.upstream_id,
            sandbox=self._settings.sandbox,
            triggers_ready=ready,
            triggers_message=message,
            possible_gap=bool(gap),
        )

    def keep_key(self, key: str, paywall: Paywall) -> None:
        """A hook or a token was made with this key, which upstream accepted in this very call."""
        self._subscriptions.keep_key(key, paywall)

    def catch_up(self, key: str, paywall: Paywall) -> None:
        """Read missed events back if it is time, waiting for that up to 5 s."""
        if self._reconcile.due(paywall.id):
            self._background.run(
                paywall.id,
                f"read {paywall.id}",
                lambda: self._reconcile.read_back(paywall, self._line(key)),
                WAIT_SECONDS,
            )

    def _gap(self, row: Subscription | None) -> str:
        """What may be missing among the events that are kept, and since when; "" for nothing."""
        since = row.gap_since if row is not None else None
        if row is None or since is None or self._reconcile.is_forgotten(since):
            return ""
        return f"Noticed on {since.astimezone(UTC):%Y-%m-%d at %H:%M} UTC: {row.gap_note}"

    def _again(self, name: str, seconds: float) -> bool:
        """Whether `name` was not seen here for a while; it is from now on."""
        with self._lock:
            if name in self._seen:
                return False
            self._seen[name] = seconds
        return True

    def _learn(self, key: str, user: str, pair: str) -> None:
        line = self._line(key)
        wallet_id = line.connection(user).wallet_user_id
        if wallet_id:
            paywall = self._identity.prove(key, line)
            self._subscriptions.learn_pair(paywall, wallet_id, user)
            with self._lock:
                self._seen[pair] = _PAIR_KNOWN_SECONDS

    def _looked_after(self, key: str, upstream: Upstream) -> tuple[Paywall, Subscription | None]:
        paywall = self._admission.admit(key, upstream)
        if not self._settings.public_url:
            return paywall, None
        row = self._subscriptions.row(paywall)
        if not self._subscriptions.well(row):
            name = self._name(key)
            self._background.run(name, f"care {name}", lambda: self._care(key), WAIT_SECONDS)
            paywall = self._admission.admit(key, upstream)
            row = self._subscriptions.row(paywall)
        return paywall, row

    def _care(self, key: str) -> None:
        line = self._line(key)
        try:
            paywall = self._identity.prove(key, line)
            if self._subscriptions.well(self._subscriptions.row(paywall)):
                if self._subscriptions.wants_key(key, paywall):
                    self._identity.prove_again(key, line)
                    self._subscriptions.keep_key(key, paywall)
                return
            root = self._subscriptions.care(key, paywall, line)
            if self._reconcile.due(root.id):
                self._reconcile.read_back(root, line)
        except KeyRefused:
            return

    def _line(self, key: str) -> Upstream:
        return Upstream(self._client, key, Deadline(_WORK_SECONDS))

    def _name(self, key: str) -> str:
        return next(iter(self._identity.fingerprints(key).values()))
