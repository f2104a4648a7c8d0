"""The log does not grow for ever."""

from __future__ import annotations

from sqlalchemy import select, update

from connector.store import delivery_rows, hook_rows, outbox_rows
from connector.store.timestamps import now
from connector.store.trigger_tables import deliveries, delivery_attempts, hooks
from tests.support.delivery_setup import DeliverySetup
from tests.triggers.delivery.receiver import running_receiver


def purged(delivery_setup: DeliverySetup, days: int = 30, limit: int = 500) -> int:
    """How many deliveries one step removes."""
    return delivery_setup.store.write(lambda c: delivery_rows.purge(c, days, limit))


def aged(delivery_setup: DeliverySetup, days: int) -> None:
    """All deliveries are this old."""
    moment = now(-days * 86_400)
    delivery_setup.store.write(lambda c: c.execute(update(deliveries).values(created_at=moment)))


def test_old_deliveries_go_with_their_attempts_in_small_steps(
    delivery_setup: DeliverySetup,
) -> None:
    with running_receiver() as target, delivery_setup.working():
        delivery_setup.hook(target.url)
        for _ in range(5):
            delivery_setup.publish()
        delivery_setup.settled()
    assert purged(delivery_setup) == 0
    aged(delivery_setup, 31)
    assert [purged(delivery_setup, limit=2) for _ in range(4)] == [2, 2, 1, 0]
    query = select(delivery_attempts.c.number)
    assert delivery_setup.store.read(lambda c: c.execute(query).all()) == []


def test_what_still_waits_is_not_removed(delivery_setup: DeliverySetup) -> None:
    delivery_setup.hook("https://8.8.8.8/")
    delivery_setup.publish()
    aged(delivery_setup, 31)
    assert purged(delivery_setup) == 0
    assert delivery_setup.pending() == 1


def test_a_deleted_hook_goes_when_its_log_has_gone(delivery_setup: DeliverySetup) -> None:
    hook_id, _ = delivery_setup.hook("https://8.8.8.8/")
    delivery_setup.publish()
    delivery_setup.hooks.delete(delivery_setup.paywall, hook_id)
    delivery_setup.store.write(lambda c: outbox_rows.drop_waiting(c, hook_id))
    assert [d.state for d in delivery_setup.log()] == ["failed"]
    assert delivery_setup.store.write(hook_rows.purge) == 0
    aged(delivery_setup, 31)
    purged(delivery_setup)
    assert delivery_setup.store.write(hook_rows.purge) == 1
    assert delivery_setup.store.read(lambda c: c.execute(select(hooks.c.id)).all()) == []


def test_what_waits_is_counted_with_its_age(delivery_setup: DeliverySetup) -> None:
    assert delivery_setup.store.read(outbox_rows.measure) == (0, 0.0)
    delivery_setup.hook("https://8.8.8.8/")
    delivery_setup.publish()
    delivery_setup.publish()
    aged(delivery_setup, 1)
    count, seconds = delivery_setup.store.read(outbox_rows.measure)
    assert count == 2
    assert 86_390 < seconds < 86_460
