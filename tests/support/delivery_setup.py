"""A paywall with hooks, events that come in, and the worker that pushes them: the real ones."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update

from connector import jsontext
from connector.config.settings import Settings
from connector.inbound.envelope import event_of
from connector.inbound.recording import record
from connector.security.encryption import Encryption
from connector.store import Store, delivery_rows, make_engine, subscription_rows
from connector.store.delivery_rows import Delivery as Logged
from connector.store.outbox_rows import PENDING
from connector.store.paywall_rows import Paywall
from connector.store.tables import paywalls
from connector.store.timestamps import now
from connector.store.trigger_tables import deliveries, hooks
from connector.triggers.delivery import DeliveryWorker
from connector.triggers.hooks import Hooks
from connector.triggers.push_client import PushClient
from tests.conftest import settings_for
from tests.support.processes import until

DEPLETED = "paywall.balance.depleted"


class DeliverySetup:
    """Everything around one database; `close` it."""

    def __init__(self, database_url: str, **changed: str) -> None:
        self.settings: Settings = settings_for(
            database_url, **({"allowed_targets": "127.0.0.0/8"} | changed)
        )
        self.store = Store(make_engine(database_url))
        self.encryption = Encryption(self.settings.secret_keys)
        self.push_client = PushClient(self.settings.allowed_targets)
        self.hooks = Hooks(
            self.store, self.encryption, self.push_client, self.settings.hooks_per_paywall
        )
        self.paywall = self.new_paywall("lpw_one")
        self._numbers = itertools.count(1)

    def new_paywall(self, paywall_id: str) -> Paywall:
        """A paywall that events can come in for."""

        def put(connection: Any) -> None:
            connection.execute(
                paywalls.insert().values(id=paywall_id, has_aliases=False, created_at=now())
            )
            subscription_rows.ensure(connection, paywall_id)

        self.store.write(put)
        return Paywall(paywall_id, ids=(paywall_id,))

    def hook(
        self,
        url: str,
        trigger: str = "any_event",
        user: str = "",
        *,
        paywall: Paywall | None = None,
    ) -> tuple[str, str]:
        """A new hook's id and secret."""
        made = self.hooks.create(
            paywall or self.paywall, target_url=url, trigger=trigger, user=user, test=False
        )
        return made.hook.id, made.secret

    def publish(
        self,
        type: str = DEPLETED,
        *,
        paywall: Paywall | None = None,
        wallet: str = "",
        user: str = "",
    ) -> str:
        """Let an event come in; its id."""
        number = next(self._numbers)
        data = {"requestedAmount": number} | ({"walletUserId": wallet} if wallet else {})
        event = event_of(
            {
                "id": f"evt_{number}",
                "paywallId": "pw_upstream",
                "type": type,
                "createdAt": datetime.now(UTC).isoformat(),
                "subject": {"externalId": user},
                "data": data,
            }
        )
        assert event is not None
        into = (paywall or self.paywall).id
        results, _ = self.store.write(lambda c: record(c, into, [event], timedelta(days=30)))
        assert results == ["stored"]
        return event.id

    @contextlib.contextmanager
    def working(self, **options: Any) -> Iterator[DeliveryWorker]:
        """A worker that runs until the block is left."""
        worker = DeliveryWorker(
            self.store, self.settings, self.encryption, self.push_client, **options
        )
        worker.start()
        try:
            yield worker
        finally:
            worker.stop()

    def log(self, **filters: Any) -> list[Logged]:
        """What the log says, the newest first."""
        return self.store.read(
            lambda connection: delivery_rows.listing(connection, self.paywall.id, **filters)
        )

    def settled(self, attempts: int = 1) -> list[Logged]:
        """The log, once every delivery has had `attempts` attempts and is not under way."""

        def look() -> list[Logged] | None:
            result = self.log()
            return result if result and all(len(d.attempts) >= attempts for d in result) else None

        return until(look)

    def fast_forward(self) -> None:
        """Whatever waits is due now."""
        self.store.write(lambda c: c.execute(update(deliveries).values(next_at=now(-1))))

    def waits(self, delivery_id: str) -> float:
        """Seconds until a delivery is due."""
        query = select(deliveries.c.next_at, now()).where(deliveries.c.id == delivery_id)
        due, moment = self.store.read(lambda c: c.execute(query).one())
        return float((due - moment).total_seconds())

    def pending(self) -> int:
        """How many deliveries wait."""
        query = select(func.count()).where(deliveries.c.state == PENDING)
        return int(self.store.read(lambda c: c.execute(query).scalar_one()))

    def failing_for(self, hook_id: str, days: float) -> None:
        """Let a hook have failed for so long, the last time an hour ago."""
        moment = now(-int(days * 86_400))
        self.store.write(
            lambda c: c.execute(
                update(hooks)
                .where(hooks.c.id == hook_id)
                .values(failing_since=moment, failed_at=now(-3600))
            )
        )

    def body_of(self, event: object) -> bytes:
        """JSON as it is sent."""
        return jsontext.dumps(event)

    def close(self) -> None:
        """Let go of the database."""
        self.store.close()
