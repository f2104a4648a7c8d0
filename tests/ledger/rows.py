"""Looking into the ledger's table behind the connector's back, and letting time pass in it."""

from __future__ import annotations

import json
import secrets

from sqlalchemy import text, update

from connector.store import make_engine, try_rows
from connector.store.ledger_rows import Entry
from connector.store.ledger_search import Wanted, search
from connector.store.tables import ledger, paywall_keys
from connector.store.timestamps import now
from connector.store.trigger_tables import events


class Rows:
    """The rows of one database's ledger."""

    def __init__(self, database_url: str) -> None:
        self._engine = make_engine(database_url, pool_size=2)

    def all(self) -> list[Entry]:
        """Every row, the longest untouched first."""
        with self._engine.connect() as connection:
            rows = search(connection, Wanted(), 1000)
        return sorted(rows, key=lambda row: row.updated_at)

    def one(self, reference: str = "order-1", action: str = "charge") -> Entry:
        """The only row of a reference."""
        (row,) = (r for r in self.all() if (r.reference, r.action) == (reference, action))
        return row

    def end_leases(self) -> None:
        """Half a minute passes: whoever held a lease has lost it."""
        self.lease_until(-1)

    def lease_until(self, seconds: int) -> None:
        """All leases end in so many seconds from now."""
        with self._engine.begin() as connection:
            connection.execute(update(ledger).values(lease_until=now(seconds)))

    def become(self, state: str) -> None:
        """All rows are in this state, as a crash would have left them."""
        with self._engine.begin() as connection:
            connection.execute(update(ledger).values(state=state, was_in_doubt=False))

    def rename_action(self, key: str) -> None:
        """All rows are of another action."""
        with self._engine.begin() as connection:
            connection.execute(update(ledger).values(action=key))

    def rename(self, reference: str) -> None:
        """The only row has this reference."""
        with self._engine.begin() as connection:
            connection.execute(update(ledger).values(reference=reference))

    def pass_hours(self, hours: int) -> None:
        """Hours pass: leases end, what was sent was sent that much earlier."""
        self.pass_seconds(hours * 3600)

    def pass_seconds(self, seconds: int) -> None:
        """So many seconds pass; for leases half a minute at least."""
        change = (
            "lease_until = 0, first_sent_at = first_sent_at - :passed, "
            "created_at = created_at - :passed, updated_at = updated_at - :passed, "
            "unanswered_at = unanswered_at - :passed"
        )
        with self._engine.begin() as connection:
            connection.execute(text(f"UPDATE ledger SET {change}"), {"passed": seconds * 1_000_000})
        self.pass_trust()

    def pass_trust(self) -> None:
        """Ten minutes pass: upstream is asked again about every key."""
        with self._engine.begin() as connection:
            connection.execute(update(paywall_keys).values(verified_at=None))

    def tries(self, reference: str = "order-1") -> list[str]:
        """How the tries of a row ended that were written down."""
        with self._engine.connect() as connection:
            return [one.ended for one in try_rows.of(connection, self.one(reference).id)]

    def event(
        self,
        user: str = "ann",
        amount: object = "1.5",
        kind: str = "paywall.balance.charge.created",
        seconds_ago: int = 0,
        external_id: str = "",
        **metadata: str,
    ) -> str:
        """An event has come in, of the wallet that has the user's own id; its id."""
        event_id = "evt_" + secrets.token_hex(4)
        body = {"id": event_id, "data": {"amount": amount}, "metadata": metadata}
        paywall_id = self.all()[0].paywall_id  # before the transaction: SQLite has one writer
        with self._engine.begin() as connection:
            connection.execute(
                events.insert().values(
                    paywall_id=paywall_id,
                    event_id=event_id,
                    type=kind,
                    created_at=now(-seconds_ago),
                    received_at=now(-seconds_ago),
                    wallet_id=user,
                    external_id=external_id,
                    body=json.dumps(body),
                )
            )
        return event_id

    def close(self) -> None:
        """Let go of the connections."""
        self._engine.dispose()
