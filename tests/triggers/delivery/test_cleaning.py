"""The log does not grow for ever."""

from __future__ import annotations

from sqlalchemy import select, update

from connector.store import delivery_rows, hook_rows, outbox_rows
from connector.store.moments import now
from connector.store.trigger_tables import deliveries, delivery_attempts, hooks
from tests.support.delivery_setup import Scene
from tests.triggers.delivery.receiver import running_receiver


def purged(scene: Scene, days: int = 30, limit: int = 500) -> int:
    """How many deliveries one step removes."""
    return scene.store.write(lambda c: delivery_rows.purge(c, days, limit))


def aged(scene: Scene, days: int) -> None:
    """All deliveries are this old."""
    moment = now(-days * 86_400)
    scene.store.write(lambda c: c.execute(update(deliveries).values(created_at=moment)))


def test_old_deliveries_go_with_their_attempts_in_small_steps(scene: Scene) -> None:
    with running_receiver() as target, scene.working():
        scene.hook(target.url)
        for _ in range(5):
            scene.publish()
        scene.settled()
    assert purged(scene) == 0
    aged(scene, 31)
    assert [purged(scene, limit=2) for _ in range(4)] == [2, 2, 1, 0]
    query = select(delivery_attempts.c.number)
    assert scene.store.read(lambda c: c.execute(query).all()) == []


def test_what_still_waits_is_not_removed(scene: Scene) -> None:
    scene.hook("https://8.8.8.8/")
    scene.publish()
    aged(scene, 31)
    assert purged(scene) == 0
    assert scene.pending() == 1


def test_a_deleted_hook_goes_when_its_log_has_gone(scene: Scene) -> None:
    hook_id, _ = scene.hook("https://8.8.8.8/")
    scene.publish()
    scene.hooks.delete(scene.paywall, hook_id)
    scene.store.write(lambda c: outbox_rows.drop_waiting(c, hook_id))
    assert [d.state for d in scene.log()] == ["failed"]
    assert scene.store.write(hook_rows.purge) == 0
    aged(scene, 31)
    purged(scene)
    assert scene.store.write(hook_rows.purge) == 1
    assert scene.store.read(lambda c: c.execute(select(hooks.c.id)).all()) == []


def test_what_waits_is_counted_with_its_age(scene: Scene) -> None:
    assert scene.store.read(outbox_rows.measure) == (0, 0.0)
    scene.hook("https://8.8.8.8/")
    scene.publish()
    scene.publish()
    aged(scene, 1)
    count, seconds = scene.store.read(outbox_rows.measure)
    assert count == 2
    assert 86_390 < seconds < 86_460
