"""Forgetting what is old, a few rows at a time; what is undecided stays."""

from __future__ import annotations

from sqlalchemy import Connection, text

from connector.store import Store, ledger_retention, ledger_rows, ledger_search
from connector.store.ledger_rows import DONE, FREE, IN_DOUBT, PENDING, UNKNOWN
from connector.store.ledger_search import Wanted

DAY = 86_400 * 1_000_000


def write(connection: Connection, state: str, age_in_days: int, count: int) -> None:
    """Rows in a state that were last touched some days ago."""
    connection.execute(
        text("INSERT INTO paywalls (id, has_aliases, created_at) VALUES (:id, false, 0)"),
        {"id": f"{state}-{age_in_days}"},
    )
    for number in range(count):
        entry_id = ledger_rows.insert_intent(
            connection,
            paywall_id=f"{state}-{age_in_days}",
            action="charge",
            reference=f"order-{number}",
            values_hash="",
            user_id="ann",
            amount="1",
            upstream_key="",
        )
        connection.execute(
            text(
                "UPDATE ledger SET state = :state, updated_at = updated_at - :age, "
                "lease_until = lease_until - :age WHERE id = :id"
            ),
            {"state": state, "age": age_in_days * DAY, "id": entry_id},
        )


def states(store: Store) -> list[str]:
    rows = store.read(lambda connection: ledger_search.search(connection, Wanted(), 100))
    return sorted(row.state for row in rows)


def test_old_decided_rows_are_forgotten_step_by_step(store: Store) -> None:
    store.write(lambda connection: write(connection, DONE, 91, 3))
    store.write(lambda connection: write(connection, FREE, 91, 2))
    store.write(lambda connection: write(connection, DONE, 89, 1))
    removed = [store.write(lambda c: ledger_retention.purge(c, days=90, limit=2)) for _ in range(4)]
    assert removed == [2, 2, 1, 0]
    assert states(store) == [DONE]


def test_undecided_rows_are_kept_for_ever(store: Store) -> None:
    for state in (PENDING, IN_DOUBT, UNKNOWN):
        store.write(lambda connection, state=state: write(connection, state, 3650, 1))  # type: ignore[misc]
    assert store.write(lambda connection: ledger_retention.purge(connection, days=90)) == 0
    assert states(store) == sorted([PENDING, IN_DOUBT, UNKNOWN])
