"""Encryption at rest under the server secrets: sealed under the first, opened under any.

MultiFernet with keys derived by HKDF. Source: https://cryptography.io/en/latest/fernet/
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Encryption:
    """Seals and opens short texts. `secret_keys`: the server secrets, the signing one first."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        each = [Fernet(_key(secret)) for secret in secret_keys]
        self._signing, self._fernet = each[0], MultiFernet(each)

    def seal(self, text: str) -> str:
        """`text`, encrypted and authenticated."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str | None:
        """What was sealed, or None under a secret that is not loaded."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            return None

    def renewed(self, sealed: str) -> str | None:
        """The same, sealed under the signing secret (as it is, where it is so already), or None
        under a secret that is not loaded."""
        try:
            self._signing.decrypt(sealed.encode())
            return sealed
        except InvalidToken:
            pass
        try:
            return self._fernet.rotate(sealed.encode()).decode()
        except InvalidToken:
            return None


def _key(secret: str) -> bytes:
    derived = HKDF(SHA256(), length=32, salt=None, info=b"paywalls-connector sealing")
    return base64.urlsafe_b64encode(derived.derive(secret.encode()))
