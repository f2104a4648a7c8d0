"""Subscribing addresses to triggers, and sending to them again.

Same paywall, address, trigger and user: the same hook. Its secret is told once, to whoever made it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from connector.errors import InvalidField, NotFound
from connector.security.encryption import Encryption
from connector.store import Store, delivery_rows, hook_rows, kept_key_rows, replay_rows
from connector.store.delivery_rows import Delivery
from connector.store.hook_rows import ACTIVE, Hook
from connector.store.paywall_rows import Paywall
from connector.triggers.definitions import TRIGGERS, find
from connector.triggers.push_client import PushClient
from connector.triggers.signatures import new_secret


@dataclass(frozen=True)
class Made:
    """A hook that was asked for; `secret` is "" if it was there already."""

    hook: Hook
    secret: str


@dataclass(frozen=True)
class Replayed:
    """How many events are sent again; unless that is all, the same call goes on, `since` the time
    in `next_since` if that is given."""

    count: int
    complete: bool
    next_since: datetime | None = None


class Hooks:
    """The hooks of all paywalls. `wake` is called when something was put into the outbox; `most`
    is how many hooks one paywall may have."""

    def __init__(
        self,
        store: Store,
        encryption: Encryption,
        push_client: PushClient,
        most: int,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._encryption, self._push_client = store, encryption, push_client
        self._most, self._wake = most, wake

    def create(
        self,
        paywall: Paywall,
        *,
        target_url: str,
        trigger: str,
        user: str,
        test: bool,
        token_id: str = "",
    ) -> Made:
        """The hook for these values, made or switched on again if need be; with `test` it is sent
        its trigger's sample at once. `token_id`: the token whose own it is, "" for the key.

        Raises InvalidField for an address that may not be sent to, an unknown trigger, and more
        hooks than are allowed.
        """
        _check_trigger(trigger)
        target = self._push_client.check(target_url, paywall.id)
        secret = new_secret()
        sealed = self._encryption.seal(secret)

        def put(connection: Connection) -> Made:
            inserted = hook_rows.insert(
                connection,
                paywall.id,
                target_url=target,
                trigger=trigger,
                user_id=user,
                sealed_secret=sealed,
                most=self._most,
                token_id=token_id,
            )
            if inserted is None:
                raise InvalidField(
                    f"This paywall has {self._most:,} hooks, as many as this connector allows. "
                    "Delete some that are not used any more, or ask the connector's operator to "
                    "raise CONNECTOR_HOOKS_PER_PAYWALL."
                )
            hook, is_new = inserted
            if token_id and hook.token_id != token_id:
                raise InvalidField(
                    "This address has a hook for this trigger already, which was not made with "
                    "this token. Use another address, or ask the paywall's owner to delete it.",
                    field="target_url",
                )
            if test:
                _add_sample(connection, hook)
            return Made(hook, secret if is_new else "")

        made = self._store.write(put)
        if test:
            self._wake()
        return made

    def listing(self, paywall: Paywall, before: str, limit: int, token_id: str = "") -> list[Hook]:
        """A page of the paywall's hooks, or those of a token, the newest first, older than the hook
        `before` ("" for the first page). Raises InvalidField for one that never was."""
        return self._store.read(
            lambda connection: hook_rows.listing(
                connection, paywall.id, before=before, limit=limit, token_id=token_id
            )
        )

    def get(self, paywall: Paywall, hook_id: str, token_id: str = "") -> Hook:
        """One of the paywall's hooks, or of a token's. Raises NotFound."""
        return self._store.read(lambda connection: _hook(connection, paywall, hook_id, token_id))

    def delete(self, paywall: Paywall, hook_id: str, token_id: str = "") -> bool:
        """Send nothing to a hook any more; False if it was gone already. Its log stays until the
        retention, its waiting deliveries are dropped."""

        def remove(connection: Connection) -> bool:
            deleted = hook_rows.remove(connection, paywall.id, hook_id, token_id)
            kept_key_rows.forget_needless(connection, paywall.id)
            return deleted

        deleted = self._store.write(remove)
        self._wake()
        return deleted

    def test(self, paywall: Paywall, hook_id: str) -> Delivery:
        """Send a hook its trigger's sample. Raises NotFound, or InvalidField if it is off."""

        def put(connection: Connection) -> Delivery:
            delivery_id = _add_sample(connection, _live(connection, paywall, hook_id))
            return _delivery(connection, paywall, delivery_id)

        delivery = self._store.write(put)
        self._wake()
        return delivery

    def replay(
        self, paywall: Paywall, hook_id: str, since: datetime | None, *, failed_only: bool
    ) -> Replayed:
        """Send a hook once more what was received since a moment, also what came while it was off,
        or only what failed (ever, without `since`). Raises NotFound or InvalidField."""
        if since is None and not failed_only:
            raise InvalidField(
                "Fill in “Since”: the time from which events are sent again, such as "
                "2026-01-31T12:00:00Z. Or set “Failed Only”.",
                field="since",
            )

        def put(connection: Connection) -> Replayed:
            hook = _live(connection, paywall, hook_id)
            if since is None or failed_only:
                count = replay_rows.replay_failed(connection, hook.id, since)
                return Replayed(count, complete=count < replay_rows.REPLAY_MAX)
            kind = TRIGGERS[hook.trigger].type
            count, more = replay_rows.replay_since(connection, hook, kind, since)
            return Replayed(count, complete=more is None, next_since=more)

        replayed = self._store.write(put)
        self._wake()
        return replayed

    def replay_delivery(self, paywall: Paywall, delivery_id: str) -> Delivery:
        """Send one delivery once more. Raises NotFound, or InvalidField if its hook is off."""

        def put(connection: Connection) -> Delivery:
            delivery = _delivery(connection, paywall, delivery_id)
            _live(connection, paywall, delivery.hook_id)
            replay_rows.replay_one(connection, delivery.id)
            return _delivery(connection, paywall, delivery_id)

        delivery = self._store.write(put)
        self._wake()
        return delivery


def _check_trigger(key: str) -> None:
    try:
        find(key)
    except NotFound as unknown:
        raise InvalidField(unknown.message, field="trigger") from None


def _add_sample(connection: Connection, hook: Hook) -> str:
    return delivery_rows.add_sample(connection, hook, str(TRIGGERS[hook.trigger].sample["id"]))


def _hook(connection: Connection, paywall: Paywall, hook_id: str, token_id: str = "") -> Hook:
    hook = hook_rows.get(connection, paywall.id, hook_id)
    if hook is None or (token_id and hook.token_id != token_id):
        raise NotFound("This paywall has no hook with this id. GET /v1/hooks lists them.")
    return hook


def _live(connection: Connection, paywall: Paywall, hook_id: str) -> Hook:
    hook = _hook(connection, paywall, hook_id)
    if hook.state != ACTIVE:
        raise InvalidField(
            f"This hook is switched off: {hook.problem} Subscribe again with the same address to "
            "switch it on."
        )
    return hook


def _delivery(connection: Connection, paywall: Paywall, delivery_id: str) -> Delivery:
    deliveries = delivery_rows.listing(connection, paywall.id, delivery_id=delivery_id, limit=1)
    if not deliveries:
        raise NotFound("This paywall has no delivery with this id. GET /v1/deliveries lists them.")
    return deliveries[0]
