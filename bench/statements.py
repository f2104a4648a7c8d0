"""Every statement that the store is asked often, with 1,000,000 rows of one paywall in each of the
tables that grow, against 100,000."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import click
from sqlalchemy import Connection, text

from bench.figures import Figure
from bench.filling import Row, event_rows, insert, ledger_rows
from bench.servers import Bench, postgres_database
from connector.store import Store, make_engine, migrate
from connector.store.subscription_rows import ensure
from connector.store.tables import ledger, paywalls
from connector.store.trigger_tables import deliveries, events, hooks, subscriptions
from tests.store.asked import ASKED

FEW, MANY = 100_000, 1_000_000
AIM = 1.5
_FIRST = 1_000
"""Among so many first rows is all that is ann's and all that is undecided: neither grows."""
_TIMES = 9
_NOISE_MS = 0.5
"""What is faster than this with many rows is not judged: its growth is the clock's."""


@dataclass(frozen=True)
class _Growth:
    name: str
    few: float
    many: float

    @property
    def ratio(self) -> float:
        return self.many / self.few


def measure(bench: Bench) -> list[Figure]:
    """The rows of this group, one for each database."""
    few, many = bench.many(FEW), bench.many(MANY)
    click.echo(f"Statements of the store, {many:,} rows against {few:,}")
    figures = []
    with ExitStack() as stack:
        databases = [stack.enter_context(postgres_database()) for _ in range(2)]
        files = [f"sqlite:///{bench.folder}/statements-{count}.sqlite3" for count in (few, many)]
        for name, urls in (("SQLite", files), ("PostgreSQL", databases)):
            if all(urls):
                stores = [
                    stack.enter_context(_filled(url, count, many))
                    for url, count in zip(urls, (few, many), strict=True)
                ]
                figures.append(_figure(name, few, many, _grown(*stores)))
    return figures


def _figure(database: str, few: int, many: int, growths: list[_Growth]) -> Figure:
    for one in sorted(growths, key=lambda one: -one.many):
        click.echo(f"  {database}: {one.few:8.2f} → {one.many:8.2f} ms  {one.name}")
    slowest = max(growths, key=lambda one: one.many)
    judged = [one for one in growths if one.many >= _NOISE_MS] or growths
    most = max(judged, key=lambda one: one.ratio)
    return Figure(
        f"statements of the store, {many:,} rows against {few:,}, {database}",
        f"slowest of {len(growths)}: {slowest.many:.1f} ms (`{slowest.name}`)",
        f"grew most: `{most.name}`, {most.few:.2f} → {most.many:.2f} ms",
        f"{most.ratio:.2f} ×",
        aim=f"≤ {AIM:g} ×",
        met=most.ratio <= AIM,
    )


def _grown(few: Store, many: Store) -> list[_Growth]:
    """Each statement in turn with few rows and with many. Of its times the quickest counts, for
    whatever else goes on only adds to it."""
    growths = []
    for name, ask in ASKED.items():
        turns = [(_milliseconds(few, ask), _milliseconds(many, ask)) for _ in range(_TIMES)]
        growths.append(_Growth(name, min(t for t, _ in turns), min(t for _, t in turns)))
    return growths


@contextmanager
def _filled(url: str, count: int, most: int) -> Iterator[Store]:
    """A database with the first `count` of `most` rows in each of the tables that grow."""
    engine = make_engine(url, 1)
    migrate.upgrade(engine)
    store = Store(engine)
    try:
        store.write(_begin)
        _fill(store, range(1, count + 1), most)
        yield store
    finally:
        store.close()


def _begin(connection: Connection) -> None:
    moment = datetime.now(UTC)
    paywall = {"id": "p", "upstream_id": "pw", "has_aliases": False, "created_at": moment}
    connection.execute(paywalls.insert().values(paywall))
    ensure(connection, "p")
    hook = {
        "id": "h",
        "paywall_id": "p",
        "target_url": "https://hooks.example/h",
        "target_hash": "0",
        "trigger": "t",
        "user_id": "",
        "secret": "",
        "state": "active",
        "problem": "",
        "created_at": moment,
    }
    connection.execute(hooks.insert().values(hook))


def _fill(store: Store, numbers: range, count: int) -> None:
    insert(store, events, map(_event, event_rows("p", numbers)))
    insert(store, ledger, map(_charge, ledger_rows("p", numbers, count + 1)))
    insert(store, deliveries, _deliveries(numbers))
    last = subscriptions.update().values(last_seq=numbers[-1])
    store.write(lambda connection: connection.execute(last))
    store.write(lambda connection: connection.execute(text("ANALYZE")))


def _event(row: Row) -> Row:
    """Some of the first are of ann, who has no more later; one in three is of the type t."""
    if row["external_id"] == "user_7" and row["seq"] <= _FIRST:
        row |= {"external_id": "ann", "wallet_id": "w"}
    return row | ({"type": "t"} if row["seq"] % 3 == 0 else {})


def _charge(row: Row) -> Row:
    """None is so old that it is forgotten, and what is undecided does not grow with the table."""
    now = datetime.now(UTC)
    when = now - (now - row["created_at"]) / 2
    number = int(row["reference"].removeprefix("order-"))
    state = "done" if row["state"] == "unknown" else row["state"]
    user = row["user_id"]
    if number <= _FIRST:
        state = "unknown" if number % 100 == 0 else state
        user = "ann" if number % 10 == 7 else user
    dates = dict.fromkeys(("first_sent_at", "lease_until", "created_at", "updated_at"), when)
    return row | dates | {"state": state, "user_id": user}


def _deliveries(numbers: range) -> Iterator[Row]:
    begin = datetime.now(UTC) - timedelta(days=20)
    for number in numbers:
        moment = begin + timedelta(seconds=number)
        yield {
            "id": f"d{number}",
            "paywall_id": "p",
            "hook_id": "h",
            "event_seq": number,
            "event_id": f"e{number}",
            "attempts": 1,
            "tries": 1,
            "token": 1,
            "state": "failed" if number % 1_000 == 0 else "sent",
            **dict.fromkeys(("next_at", "created_at", "updated_at"), moment),
        }


def _milliseconds(store: Store, ask: Callable[[Connection], object]) -> float:
    """How long it takes to ask once; what that changes is undone."""
    with store.engine.connect() as connection:
        began = time.perf_counter()
        _all(ask(connection))
        taken = time.perf_counter() - began
        connection.rollback()
    return taken * 1000


def _all(result: object) -> None:
    if isinstance(result, Iterable):
        list(result)
