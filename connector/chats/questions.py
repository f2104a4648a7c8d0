"""What is asked: by whom, under which reference, and the right to ask it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class Sealing(Protocol):
    """What is needed of encryption (connector.security.encryption)."""

    def seal(self, text: str) -> str:
        """`text`, encrypted."""

    def open(self, sealed: str) -> str | None:
        """What was sealed, or None under a secret that is not loaded."""


@dataclass(frozen=True)
class Question:
    """One call of a chat with a reference.

    `hashes` stand for all that is sent upstream, by the tag of the server secret that each was made
    under, the signing one first. `callback_url`: where the answer is pushed to, "" for nowhere;
    `token_id`: the token that was shown, "" for the key itself.
    """

    paywall_id: str
    kept_reference: str
    user: str
    hashes: Mapping[str, str] = field(repr=False)
    callback_url: str = field(default="", repr=False)
    token_id: str = ""

    @property
    def signed(self) -> tuple[str, str]:
        """The tag of the signing secret and the hash under it."""
        return next(iter(self.hashes.items()))


@dataclass(frozen=True)
class Lease:
    """The right to ask: the row and its token."""

    chat_id: str
    token: int
