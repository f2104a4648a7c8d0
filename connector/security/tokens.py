"""Connector tokens: made for a paywall's key, found again, limited, paused and revoked.

A token is kept as HMAC-SHA256 under a server secret. What it stands for is the paywall's kept key
(store.kept_key_rows), so that a flow holds the token and never the key.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import structlog
from sqlalchemy import Connection

from connector.errors import (
    InvalidField,
    KeyRefused,
    NotAllowedByToken,
    TokenPaused,
    Unavailable,
)
from connector.money import (
    millionths,
    millionths_or_none,
    of_millionths,
    of_millionths_or_none,
    plain,
)
from connector.security import rights
from connector.security.encryption import Encryption
from connector.security.identity import by_tag, fingerprints
from connector.security.token_text import is_whole, new_token
from connector.store import Store, counter_rows, hook_rows, kept_key_rows, settings_rows, token_rows
from connector.store.counter_rows import Counter
from connector.store.paywall_rows import Paywall
from connector.store.token_rows import Found, TokenRow

MOST = 1_000
"""How many live tokens a paywall may have."""
_NOT_KEPT = (
    "This connector keeps no keys (CONNECTOR_KEEP_KEYS is false), so it has no tokens: one could "
    "not be used without the key that it stands for. Use the key itself."
)
_PAUSED = (
    "This token pauses: Paywalls refused the key that it stands for. Let the paywall's new key be "
    "used with this connector once, for example to test a connection. Then send the same again."
)
_ENDED = (
    "This token ended with the Paywalls key that it was made with. Make a new token with the new "
    "key."
)
_UNKNOWN = (
    "This token is not known here. It may be one of another connector, or have ended long ago. "
    "Make a new token with the paywall's key."
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Token:
    """A token as its holder and its owner see it: what it may do (`actions`, names of
    `security.rights`), for which user ("" for all), up to which sums."""

    id: str
    label: str
    actions: tuple[str, ...]
    user: str
    max_amount: Decimal | None
    max_per_day: Decimal | None
    expires_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime

    def require(self, any_of: Sequence[str]) -> None:
        """Raises NotAllowedByToken unless it may do what one of these names opens."""
        if not rights.allows(self.actions, any_of):
            raise NotAllowedByToken(f"This token does not allow that. {self._may}")

    def require_amount(self, amount: Decimal) -> None:
        """Raises NotAllowedByToken for more than it may move at once."""
        if self.max_amount is not None and amount > self.max_amount:
            raise NotAllowedByToken(
                f"This token allows at most {plain(self.max_amount)} at a time. Send a smaller "
                "amount, or ask the paywall's owner for a token with a higher limit.",
                field="amount",
            )

    def user_instead_of(self, sent: str) -> str:
        """The user that is meant where `sent` was ("" for nobody).

        Raises NotAllowedByToken for another than the token's own.
        """
        if self.user and sent not in ("", self.user):
            raise for_another_user()
        return self.user or sent

    @property
    def _may(self) -> str:
        return f"It allows: {rights.told(self.actions)}. Ask the paywall's owner for another one."


@dataclass(frozen=True)
class Standing:
    """A token that was shown, with the key that it stands for."""

    token: Token
    paywall_id: str
    upstream_id: str
    key: str = field(repr=False)
    sealed_key: str = field(repr=False)


def for_another_user() -> NotAllowedByToken:
    """The refusal of another user than the one that a token is for."""
    return NotAllowedByToken(
        "This token is for one user, and another one was sent. Leave the user away, or ask the "
        "paywall's owner for another token.",
        field="user",
    )


class Tokens:
    """The tokens of all paywalls. `secret_keys`: the server secrets, the signing one first;
    `keep_keys`: whether this connector keeps keys at all."""

    def __init__(
        self, store: Store, encryption: Encryption, secret_keys: Sequence[str], *, keep_keys: bool
    ) -> None:
        self._store, self._encryption, self._keep_keys = store, encryption, keep_keys
        self._secrets = by_tag(secret_keys)

    def create(
        self,
        paywall: Paywall,
        *,
        label: str,
        actions: str,
        user: str,
        max_amount: Decimal | None,
        max_per_day: Decimal | None,
        expires_in_days: int | None,
    ) -> tuple[Token, str]:
        """A new token, and its text, which is told only now. The key must be kept afterwards.

        Raises InvalidField for what cannot be allowed, or too many tokens.
        """
        if not self._keep_keys:
            raise InvalidField(_NOT_KEPT)
        names = rights.parsed(actions)
        rights.check(names, user=user, has_daily_limit=max_per_day is not None)
        text = new_token()
        made = self._store.write(
            lambda connection: token_rows.insert(
                connection,
                paywall.id,
                self._fingerprints(text),
                label=label,
                actions=",".join(names),
                user_id=user,
                max_amount=millionths_or_none(max_amount),
                max_per_day=millionths_or_none(max_per_day),
                expires_in_days=expires_in_days,
                most=MOST,
            )
        )
        if made is None:
            raise InvalidField(
                f"This paywall has {MOST:,} tokens, as many as one may have. Revoke those that are "
                "not used any more."
            )
        return _token(made), text

    def listing(self, paywall: Paywall) -> list[Token]:
        """The paywall's tokens that were not revoked, the newest first."""
        rows = self._store.read(lambda connection: token_rows.listing(connection, paywall.id))
        return [_token(row) for row in rows]

    def revoke(self, paywall: Paywall, token_id: str) -> bool:
        """From now on nobody can use a token, and the hooks that were made with it are gone;
        whether there was one."""

        def end(connection: Connection) -> bool:
            revoked = token_rows.revoke(connection, paywall.id, token_id)
            if revoked:
                hook_rows.remove(connection, paywall.id, token_id=token_id)
                kept_key_rows.forget_needless(connection, paywall.id)
            return revoked

        return self._store.write(end)

    def admit(self, text: str) -> Standing:
        """What a token stands for.

        Raises KeyRefused for one that is misspelled, unknown, revoked or expired; TokenPaused while
        the key behind it is refused.
        """
        if not is_whole(text):
            raise KeyRefused(
                "This token is misspelled: a letter is missing, or is another one. Copy it again "
                "whole, from pwc_ to its end.",
                field="api_key",
            )
        prints = self._fingerprints(text)
        found = self._store.read(lambda connection: token_rows.find(connection, prints))
        if found is None:
            raise KeyRefused(_UNKNOWN, field="api_key")
        key = self._key(found)
        if not found.seen:
            with contextlib.suppress(Unavailable):  # it is looked at, not needed
                self._store.write(lambda c: token_rows.note_use(c, found.row.id, prints))
        sealed = found.sealed_key or ""
        return Standing(_token(found.row), found.paywall_id, found.upstream_id, key, sealed)

    def pause(self, standing: Standing) -> TokenPaused:
        """Upstream refused the key behind a token: it pauses, as all tokens of the paywall do. What
        to tell its holder."""
        self._store.write(
            lambda c: kept_key_rows.suspend(c, standing.paywall_id, standing.sealed_key)
        )
        log.warning("kept_key_refused", paywall=standing.paywall_id)
        return TokenPaused(_PAUSED if standing.upstream_id else _ENDED)

    def check_again(self, standing: Standing) -> None:
        """Raises KeyRefused if the token was revoked while it was being used."""
        if not self._store.read(lambda c: token_rows.stands(c, standing.token.id)):
            raise KeyRefused(_revoked(), field="api_key")

    def reserve(
        self,
        token: Token,
        paywall_id: str,
        connection: Connection,
        entry_id: str,
        amount: Decimal,
    ) -> None:
        """Count an amount against the token's day, which is its paywall's, held by a row of the
        ledger.

        Raises NotAllowedByToken where it is more than is left of the day.
        """
        if token.max_per_day is None:
            return
        _, day = settings_rows.today(connection, paywall_id)
        counter = Counter(counter_rows.TOKEN, token.id, "", day.name)
        most = millionths(token.max_per_day)
        if counter_rows.take(connection, counter, millionths(amount), most, entry_id) is None:
            left = most - counter_rows.used(connection, counter)
            raise NotAllowedByToken(
                f"This token allows {plain(token.max_per_day)} a day, of which "
                f"{plain(of_millionths(max(left, 0)))} are left until {day.end_told}. "
                "Try again then, or ask the paywall's owner for a token with a higher limit.",
                field="amount",
            )

    def _key(self, found: Found) -> str:
        if found.revoked:
            raise KeyRefused(_revoked(), field="api_key")
        if found.expired and found.row.expires_at is not None:
            raise KeyRefused(
                f"This token ended on {found.row.expires_at:%Y-%m-%d at %H:%M} UTC. Make a new one "
                "with the paywall's key.",
                field="api_key",
            )
        if not self._keep_keys:
            raise TokenPaused(_NOT_KEPT)
        if found.refused or found.sealed_key is None:
            raise TokenPaused(_PAUSED if found.upstream_id else _ENDED)
        key = self._encryption.open(found.sealed_key)
        if key is None:
            log.error("kept_key_sealed_under_another_secret", paywall=found.paywall_id)
            raise TokenPaused(_PAUSED)
        return key

    def _fingerprints(self, text: str) -> dict[str, str]:
        return fingerprints(self._secrets, b"paywalls-connector token\0" + text.encode())


def _token(row: TokenRow) -> Token:
    return Token(
        row.id,
        row.label,
        tuple(name for name in row.actions.split(",") if name),
        row.user_id,
        of_millionths_or_none(row.max_amount),
        of_millionths_or_none(row.max_per_day),
        row.expires_at,
        row.last_used_at,
        row.created_at,
    )


def _revoked() -> str:
    return "This token was revoked. Make a new one with the paywall's key."
