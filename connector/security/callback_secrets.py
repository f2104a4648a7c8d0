"""The secret that answers are signed with which are pushed to callback addresses.

It is derived from the server secret and the paywall: nothing to store.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence


class CallbackSecrets:
    """`secret_keys`: the server secrets, the signing one first."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        self._secrets = [secret.encode() for secret in secret_keys]

    def newest(self, paywall_id: str) -> str:
        """The secret of a paywall, `whsec_…`, as receivers need it."""
        return _derived(self._secrets[0], paywall_id)

    def all_of(self, paywall_ids: Sequence[str]) -> list[str]:
        """The same first, then those under older server secrets, and of local paywalls that are
        the same one: receivers learn of a change when their owner next looks."""
        return [_derived(secret, one) for one in paywall_ids for secret in self._secrets]


def _derived(secret: bytes, paywall_id: str) -> str:
    message = b"paywalls-connector callback\0" + paywall_id.encode()
    key = hmac.new(secret, message, hashlib.sha256).digest()
    return "whsec_" + base64.b64encode(key).decode()
