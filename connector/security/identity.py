"""Whose key this is: a keyed fingerprint that points to a local paywall, confirmed by upstream.

A fingerprint is HMAC-SHA256 of the key under a server secret, so that the database alone says
nothing about keys. Upstream's word is trusted for ten minutes (store.paywall_rows).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from connector.errors import KeyRefused
from connector.store import Store, paywall_rows
from connector.store.paywall_rows import Paywall
from connector.upstream import Upstream

PROOF_SECONDS = 5.0
ENDPOINT_TAG_LENGTH = 8
"""So many letters of the tag of a server secret begin the ids of inbound endpoints."""


class Identity:
    """Looks up the paywalls of keys. `secret_keys`: the server secrets, the signing one first."""

    def __init__(self, store: Store, secret_keys: Sequence[str]) -> None:
        self._store = store
        self._secrets = by_tag(secret_keys)

    def fingerprints(self, key: str) -> dict[str, str]:
        """The key's fingerprint under each server secret, by the secret's tag."""
        return fingerprints(self._secrets, b"paywalls-connector key\0" + key.encode())

    def keyed_hashes(self, purpose: str, message: bytes) -> dict[str, str]:
        """What stands for a message that is not to be kept, under each server secret, by the
        secret's tag; the signing one first."""
        return fingerprints(self._secrets, f"paywalls-connector {purpose}\0".encode() + message)

    def prove(self, key: str, upstream: Upstream) -> Paywall:
        """The paywall that a key belongs to, asking upstream unless it was asked lately.

        Raises KeyRefused, an UpstreamError, or Unavailable.
        """
        prints = self.fingerprints(key)
        paywall = self._store.read(
            lambda connection: paywall_rows.trusted(connection, tuple(prints.values()))
        )
        if paywall is None:
            paywall = self._ask(key, prints, upstream)
        return paywall

    def prove_again(self, key: str, upstream: Upstream) -> Paywall:
        """The same, asking upstream in any case: nothing lasting is made with a key that was
        revoked a moment ago. Raises the same."""
        return self._ask(key, self.fingerprints(key), upstream)

    def distrust(self, key: str) -> None:
        """Upstream refused this key: every process asks again at its next use."""
        prints = tuple(self.fingerprints(key).values())
        self._store.write(lambda connection: paywall_rows.distrust(connection, prints))

    def _ask(self, key: str, prints: dict[str, str], upstream: Upstream) -> Paywall:
        asked = upstream.limited_to(PROOF_SECONDS)
        try:
            rows = asked.subscriptions()
        except KeyRefused:
            self.distrust(key)
            raise
        upstream_id = next((str(r["paywallId"]) for r in rows if r.get("paywallId")), "")
        return self._confirm(prints, upstream_id)

    def learn(self, key: str, upstream_id: str) -> Paywall:
        """Upstream has just accepted this key and told the paywall's id (or not: "")."""
        return self._confirm(self.fingerprints(key), upstream_id)

    def _confirm(self, prints: dict[str, str], upstream_id: str) -> Paywall:
        def confirm(connection: Connection) -> Paywall:
            return paywall_rows.confirm(connection, prints, upstream_id)

        try:
            return self._store.write(confirm)
        except IntegrityError:  # another process learned the same id at the same moment
            return self._store.write(confirm)


def by_tag(secret_keys: Sequence[str]) -> dict[str, bytes]:
    """The server secrets by their tags, in their order."""
    return {secret_tag(secret): secret.encode() for secret in secret_keys}


def fingerprints(secrets: Mapping[str, bytes], message: bytes) -> dict[str, str]:
    """HMAC-SHA256 of a message under each server secret, by the secret's tag."""
    return {
        tag: hmac.new(secret, message, hashlib.sha256).hexdigest()
        for tag, secret in secrets.items()
    }


def secret_tag(secret: str) -> str:
    """A check value that recognises a server secret without telling anything about it."""
    return hmac.new(secret.encode(), b"paywalls-connector secret tag", hashlib.sha256).hexdigest()[
        :16
    ]


def endpoint_tag(tag: str) -> str:
    """What inbound endpoint ids begin with that were made under the secret with this tag."""
    return tag[:ENDPOINT_TAG_LENGTH]
