"""Inbound endpoints: ids that name the server secret they belong to, and secrets derived from both.

An id is `<tag of the server secret>-<random>-<check>`. Nothing secret is stored: the signing secret
of an endpoint follows from the server secret and the id.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from enum import Enum

from connector.security.identity import ENDPOINT_TAG_LENGTH, endpoint_tag, secret_tag


class Known(Enum):
    """What an endpoint id tells by itself."""

    OURS = "made under a loaded secret"
    NOT_LOADED = "made under a secret that is not loaded"
    NEVER_MADE = "not made by us"


class Endpoints:
    """Makes and checks endpoint ids under the server secrets, the signing one first."""

    def __init__(self, secret_keys: Sequence[str], public_url: str | None) -> None:
        self._secrets = {
            endpoint_tag(secret_tag(secret)): secret.encode() for secret in secret_keys
        }
        self.address = f"{public_url}/v1/inbound/" if public_url else ""

    def new(self) -> str:
        """A new id under the signing secret."""
        tag = next(iter(self._secrets))
        rest = secrets.token_hex(12)
        return f"{tag}-{rest}-{self._check(tag, rest)}"

    def known(self, endpoint_id: str) -> Known:
        """Whether we made this id. A wrong check is never ours, whichever secret it names."""
        parts = endpoint_id.split("-")
        if len(parts) != 3 or not endpoint_id.isascii():
            return Known.NEVER_MADE
        tag, rest, check = parts
        if tag not in self._secrets:
            well_formed = (len(tag), len(rest), len(check)) == (ENDPOINT_TAG_LENGTH, 24, 16)
            return Known.NOT_LOADED if well_formed else Known.NEVER_MADE
        right = hmac.compare_digest(self._check(tag, rest), check)
        return Known.OURS if right else Known.NEVER_MADE

    def is_current(self, endpoint_id: str) -> bool:
        """Whether an id of ours belongs to the signing secret."""
        return endpoint_id.split("-")[0] == next(iter(self._secrets))

    def signing_secret(self, endpoint_id: str) -> str:
        """The secret that upstream signs with for an id of ours (64 hexadecimal digits)."""
        return self._derive(endpoint_id.split("-")[0], f"inbound signing {endpoint_id}")

    def signed(self, endpoint_id: str, body: bytes, signatures: Iterable[str]) -> bool:
        """Whether one of `signatures` is upstream's for the raw body: hex of HMAC-SHA256."""
        key = self.signing_secret(endpoint_id).encode()
        right = hmac.new(key, body, hashlib.sha256).hexdigest().encode()
        given = [signature.strip().lower().encode() for signature in signatures]
        return any(hmac.compare_digest(right, signature) for signature in given)

    def url(self, endpoint_id: str) -> str:
        """The public address of an endpoint."""
        return self.address + endpoint_id

    def id_in(self, url: str) -> str:
        """The endpoint id in an address of this connector, or "" for any other address."""
        if not self.address or not url.startswith(self.address):
            return ""
        endpoint_id = url.removeprefix(self.address)
        return endpoint_id if self.known(endpoint_id) is not Known.NEVER_MADE else ""

    def _check(self, tag: str, rest: str) -> str:
        return self._derive(tag, f"endpoint {rest}")[:16]

    def _derive(self, tag: str, message: str) -> str:
        return hmac.new(self._secrets[tag], message.encode(), hashlib.sha256).hexdigest()
