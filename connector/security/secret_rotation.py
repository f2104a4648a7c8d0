"""What the database needs of the server secrets: a start without one that is needed is refused,
and what is sealed moves on to the newest one.

The database knows check values of all secrets that were used with it. Keys are filed under one,
addresses for events are made under one; which one something is sealed under only shows when it is
opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import structlog
from sqlalchemy import Connection

from connector.security.encryption import Encryption
from connector.security.identity import endpoint_tag, secret_tag
from connector.store import (
    Store,
    chat_rows,
    paywall_rows,
    sealed_rows,
    secret_rows,
    token_rows,
    undecided_rows,
)

ADVICE = (
    "Add the old secret again behind the new one in CONNECTOR_SECRET_KEYS, separated by a comma."
)
_WITHOUT = (
    "Without it, charges that were made before would not be recognised, and hooks would get "
    "nothing."
)

log = structlog.get_logger(__name__)


class SecretsMismatch(Exception):
    """The database depends on server secrets that are not loaded; the text says what to do."""


@dataclass(frozen=True)
class Lacking:
    """What depends on secrets that are not loaded; `tags` are their check values, as far as they
    can be told."""

    tags: tuple[str, ...] = ()
    keys: int = 0
    addresses: int = 0
    hooks: int = 0
    kept_keys: int = 0
    in_doubt: int = 0
    tokens: int = 0
    chats: int = 0

    def __bool__(self) -> bool:
        return any(value for value in astuple(self)[1:])

    @property
    def sentence(self) -> str:
        """All of it, for the operator."""
        counted = (
            (self.keys, "{} key(s) used lately"),
            (self.hooks, "{} hook(s)"),
            (self.kept_keys, "{} key(s) kept for the worker"),
            (self.tokens, "{} connector token(s)"),
            (self.in_doubt, "{} charge(s) or deposit(s) in doubt"),
            (self.chats, "{} chat(s) with a reference, of the last day"),
            (self.addresses, "the address for events of {} paywall(s) with hooks"),
        )
        what = ", ".join(words.format(count) for count, words in counted if count)
        told = f" (check value: {' or '.join(self.tags)})" if self.tags else ""
        return (
            f"The database needs a server secret that is not in CONNECTOR_SECRET_KEYS{told}. "
            f"On it depend: {what}."
        )


def lacking(store: Store, secret_keys: Sequence[str], used_within_days: int) -> Lacking:
    """What could not be read, or not be recognised, under these secrets alone. Of keys, those of
    the last `used_within_days` count. Changes nothing."""
    encryption, loaded = Encryption(secret_keys), {secret_tag(secret) for secret in secret_keys}

    def look(connection: Connection) -> Lacking:
        unloaded = [tag for tag in secret_rows.tags(connection) if tag not in loaded]
        keys = {
            tag: paywall_rows.keys_only_under(connection, tag, used_within_days) for tag in unloaded
        }
        addresses = {
            tag: sealed_rows.addresses_under(connection, endpoint_tag(tag)) for tag in unloaded
        }
        tokens = {tag: token_rows.only_under(connection, tag) for tag in unloaded}
        chats = {tag: chat_rows.kept_under(connection, tag) for tag in unloaded}
        hooks = _closed(encryption, sealed_rows.hook_secrets(connection))
        kept = _closed(encryption, sealed_rows.kept_keys(connection))
        in_doubt = _closed(encryption, undecided_rows.seals(connection))
        counted = (keys, addresses, tokens, chats)
        named = [tag for tag in unloaded if any(counts[tag] for counts in counted)]
        return Lacking(
            tuple(named or (unloaded if hooks or kept or in_doubt else ())),
            sum(keys.values()),
            sum(addresses.values()),
            hooks,
            kept,
            in_doubt,
            sum(tokens.values()),
            sum(chats.values()),
        )

    return store.read(look)


def check_secrets(store: Store, secret_keys: Sequence[str], used_within_days: int) -> None:
    """Hold the loaded server secrets against what the database needs, and note new ones.

    What is sealed under an older loaded secret is sealed under the signing one from now on; a
    secret on which nothing depends any more is forgotten. Raises SecretsMismatch when one that is
    still needed is not loaded.
    """
    known, loaded = store.read(secret_rows.tags), [secret_tag(secret) for secret in secret_keys]
    if set(known) - {loaded[0]}:
        if mismatch := lacking(store, secret_keys, used_within_days):
            raise SecretsMismatch(f"{mismatch.sentence} {ADVICE} {_WITHOUT}")
        _renew(store, Encryption(secret_keys))
        for tag in set(known) - set(loaded):
            store.write(lambda connection, tag=tag: secret_rows.forget(connection, tag))  # type: ignore[misc]
    store.write(lambda connection: secret_rows.remember(connection, loaded))


def _closed(encryption: Encryption, sealed: Sequence[tuple[str, str]]) -> int:
    return sum(encryption.open(text) is None for _, text in sealed)


def _renew(store: Store, encryption: Encryption) -> None:
    """Seal under the signing secret what is sealed under an older one."""
    count = 0
    for read, replace in (
        (sealed_rows.hook_secrets, sealed_rows.replace_hook_secret),
        (sealed_rows.kept_keys, sealed_rows.replace_kept_key),
        (undecided_rows.seals, undecided_rows.replace_seal),
    ):
        for name, old in store.read(read):
            new = encryption.renewed(old)
            if new is not None and new != old:
                count += 1
                store.write(
                    lambda c, replace=replace, row=(name, old, new): replace(c, *row)  # type: ignore[misc]
                )
    if count:
        log.info("sealed_anew", count=count)
