"""Group commit on PostgreSQL: those who come together share a transaction, and where that cannot be
each has one of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select, text, update
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from connector.store import Store, make_engine
from connector.store.shared_commits import SharedCommits
from connector.store.tables import server_secrets
from connector.store.timestamps import now
from tests.store.held import Held, Work, remember
from tests.support.processes import PATIENCE, until

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def engine(migrated: str) -> Iterator[Engine]:
    engine = make_engine(migrated, pool_size=6)
    yield engine
    engine.dispose()


class Group:
    """Pieces that make one group, each with its order."""

    def __init__(self, engine: Engine, pool: ThreadPoolExecutor) -> None:
        self.commits = SharedCommits(engine, PATIENCE)
        self.seen: list[tuple[str, int]] = []
        self._held = Held(
            lambda work, order="", finish=None: self.commits.run(work, order, finish),
            self.commits._coalescer,
            pool,
        )
        self.later, self.let_go = self._held.later, self._held.let_go

    def noting(self, tag: str, work: Work | None = None) -> Work:
        """Work that writes `tag`, of which it is noted in which transaction it was done."""

        def noted(connection: Connection) -> str:
            number = connection.execute(text("SELECT pg_current_xact_id()::text")).scalar_one()
            self.seen.append((tag, int(number)))
            (work or remember(tag))(connection)
            return tag

        return noted


@pytest.fixture
def group(engine: Engine, pool: ThreadPoolExecutor) -> Group:
    return Group(engine, pool)


def stored(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        rows = connection.execute(select(server_secrets.c.tag).order_by(server_secrets.c.tag))
        return list(rows.scalars())


def test_those_who_wait_share_one_transaction_in_the_order_of_what_they_lock(
    group: Group, engine: Engine
) -> None:
    calls = [group.later(group.noting(tag), tag) for tag in ("c", "a", "b")]
    group.let_go()
    assert [call.result() for call in calls] == ["c", "a", "b"]
    assert [tag for tag, _ in group.seen] == ["a", "b", "c"]
    assert len({number for _, number in group.seen}) == 1
    assert stored(engine) == ["a", "b", "c"]


def test_a_piece_without_an_order_has_a_transaction_of_its_own(
    group: Group, engine: Engine
) -> None:
    first = group.later(group.noting("a"), "a")
    assert group.commits.run(group.noting("alone"), None, None) == "alone"
    assert stored(engine) == ["alone"]
    group.let_go()
    first.result()
    assert len({number for _, number in group.seen}) == 2


def test_a_piece_that_fails_takes_no_other_along(group: Group, engine: Engine) -> None:
    def fail_late(connection: Connection) -> None:
        remember("half done")(connection)
        raise ValueError("no")

    def fail_in_sql(connection: Connection) -> None:
        connection.execute(text("INSERT INTO nowhere VALUES (1)"))

    before = group.later(group.noting("before"), "1")
    failing, wrong = group.later(fail_late, "2"), group.later(fail_in_sql, "3")
    after = group.later(group.noting("after"), "4")
    group.let_go()
    assert isinstance(failing.exception(), ValueError)
    assert isinstance(wrong.exception(), ProgrammingError)
    assert (before.result(), after.result()) == ("before", "after")
    assert stored(engine) == ["after", "before"]


def test_what_is_left_is_written_once_for_all(group: Group, engine: Engine) -> None:
    def finish(connection: Connection, results: Sequence[str]) -> None:
        remember("+".join(results))(connection)

    calls = [group.later(group.noting(tag), tag, finish) for tag in "ab"]
    group.let_go()
    for call in calls:
        call.result()
    assert group.commits.run(lambda _: "c", "c", finish) == "c"
    assert group.commits.run(lambda _: "d", None, finish) == "d"
    assert stored(engine) == ["a", "a+b", "b", "c", "d"]


def test_what_cannot_be_finished_together_is_finished_by_each(group: Group, engine: Engine) -> None:
    def finish(connection: Connection, results: Sequence[str]) -> None:
        if len(results) > 1:
            raise ValueError("too many")
        remember(f"{results[0]} finished")(connection)

    calls = [group.later(group.noting(tag), tag, finish) for tag in "ab"]
    group.let_go()
    assert [call.result() for call in calls] == ["a", "b"]
    assert stored(engine) == ["a", "a finished", "b", "b finished"]


def test_who_waits_for_another_transaction_does_so_alone(group: Group, engine: Engine) -> None:
    """With the limits that a connector has: the others are done while the row is still locked."""
    store = Store(engine)
    store.write(remember("locked"))

    def touch(connection: Connection) -> str:
        connection.execute(
            update(server_secrets).where(server_secrets.c.tag == "locked").values(created_at=now())
        )
        return "touched"

    with engine.begin() as other:
        touch(other)
        waits = group.later(touch, "1")
        calls = [group.later(group.noting(tag), tag) for tag in "ab"]
        group.let_go()
        assert [call.result(PATIENCE) for call in calls] == ["a", "b"]
        assert not waits.done()
    assert waits.result(PATIENCE) == "touched"
    assert stored(engine) == ["a", "b", "locked"]


def test_who_waits_in_vain_is_told_so(engine: Engine) -> None:
    store = Store(engine)
    store.write(remember("locked"))

    def touch(connection: Connection) -> None:
        connection.execute(
            update(server_secrets).where(server_secrets.c.tag == "locked").values(created_at=now())
        )

    with engine.begin() as other:
        touch(other)
        with pytest.raises(DBAPIError) as told:
            SharedCommits(engine, PATIENCE).run(touch, "1", None)
        assert getattr(told.value.orig, "sqlstate", "") == "55P03"


def test_two_groups_that_lock_the_same_rows_do_not_wait_for_one_another(
    engine: Engine, pool: ThreadPoolExecutor
) -> None:
    store = Store(engine)
    for tag in "ab":
        store.write(remember(tag))

    def touch(tag: str) -> Work:
        def touched(connection: Connection) -> None:
            connection.execute(
                update(server_secrets).where(server_secrets.c.tag == tag).values(created_at=now())
            )

        return touched

    one, other = Group(engine, pool), Group(engine, pool)
    calls = [one.later(one.noting(tag, touch(tag)), tag) for tag in ("a", "b")]
    calls += [other.later(other.noting(tag, touch(tag)), tag) for tag in ("b", "a")]
    one.let_go()
    other.let_go()
    for call in calls:
        call.result(PATIENCE)
    for group in (one, other):
        assert len({number for _, number in group.seen}) == 1, "a deadlock undid this group"


def test_who_waits_too_long_for_a_group_is_told_as_busy_and_never_done(
    engine: Engine, pool: ThreadPoolExecutor
) -> None:
    commits = SharedCommits(engine, 0.2)

    def run(work: Work, order: str = "") -> Any:
        return commits.run(work, order, None)

    held = Held(run, commits._coalescer, pool)
    assert isinstance(held.later(remember("given up")).exception(PATIENCE), PoolTimeout)
    held.let_go()
    assert stored(engine) == []


def test_a_lost_connection_is_told_to_all_of_its_group(group: Group, engine: Engine) -> None:
    def lose(connection: Connection) -> None:
        number = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:number)"), {"number": number})
        until(lambda: _ended(engine, number))
        connection.execute(text("SELECT 1"))

    calls = [group.later(remember("a"), "1"), group.later(lose, "2")]
    group.let_go()
    assert all(isinstance(call.exception(), DBAPIError) for call in calls)
    assert stored(engine) == []


def test_far_away_groups_go_side_by_side(
    engine: Engine, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two pieces that wait for one another, which in one group they could not."""
    commits, meeting = SharedCommits(engine, PATIENCE, most_lanes=4), Barrier(2)
    for _ in range(16):
        commits._lanes.began(0.001)
    monkeypatch.setattr(commits._lanes, "began", lambda _: None)

    def meet(_: Connection) -> None:
        meeting.wait(PATIENCE)

    orders = {commits._lanes.of(str(number)): str(number) for number in range(32)}
    calls = [pool.submit(commits.run, meet, orders[lane], None) for lane in (1, 3)]
    for call in calls:
        call.result(PATIENCE)


def _ended(engine: Engine, process: int) -> bool:
    query = text("SELECT count(*) FROM pg_stat_activity WHERE pid = :process")
    with engine.connect() as connection:
        return int(connection.execute(query, {"process": process}).scalar_one()) == 0
