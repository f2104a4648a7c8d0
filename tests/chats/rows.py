"""Looking into the table of chats behind the connector's back, and letting time pass in it."""

from __future__ import annotations

from sqlalchemy import select, text, update

from connector.store import make_engine
from connector.store.chat_rows import Chat, get
from connector.store.chat_tables import chat_callbacks, chats
from connector.store.tables import paywall_keys
from connector.store.timestamps import now


class ChatRows:
    """The chats of one database."""

    def __init__(self, database_url: str) -> None:
        self._engine = make_engine(database_url, pool_size=2)

    def all(self) -> list[Chat]:
        """Every row, the oldest first."""
        with self._engine.connect() as connection:
            ids = connection.execute(select(chats.c.id).order_by(chats.c.created_at)).scalars()
            rows = [get(connection, chat_id) for chat_id in list(ids)]
        return [row for row in rows if row is not None]

    def one(self) -> Chat:
        """The only row."""
        (row,) = self.all()
        return row

    def end_leases(self) -> None:
        """Half a minute passes, and whoever held a lease was not there to renew it."""
        with self._engine.begin() as connection:
            connection.execute(update(chats).values(lease_until=now(-1)))

    def pass_hours(self, hours: int) -> None:
        """All of it happened so many hours earlier."""
        with self._engine.begin() as connection:
            for change in (
                "UPDATE chats SET created_at = created_at - :passed, "
                "updated_at = updated_at - :passed",
                "UPDATE chat_callbacks SET created_at = created_at - :passed, "
                "next_at = next_at - :passed",
            ):
                connection.execute(text(change), {"passed": hours * 3_600_000_000})

    def pass_trust(self) -> None:
        """Ten minutes pass: upstream is asked again about every key."""
        with self._engine.begin() as connection:
            connection.execute(update(paywall_keys).values(verified_at=None))

    def callbacks(self) -> list[tuple[str, str | None]]:
        """State and sealed answer of every push, the oldest first."""
        query = select(chat_callbacks.c.state, chat_callbacks.c.answer)
        with self._engine.connect() as connection:
            found = connection.execute(query.order_by(chat_callbacks.c.created_at)).all()
        return [(row.state, row.answer) for row in found]

    def make_callbacks_due(self) -> None:
        """It is time for the next try of every push."""
        with self._engine.begin() as connection:
            connection.execute(update(chat_callbacks).values(next_at=now(-1)))

    def dumped(self) -> str:
        """All that is kept, as text."""
        with self._engine.connect() as connection:
            kept = [
                *connection.execute(select(chats)).all(),
                *connection.execute(select(chat_callbacks)).all(),
            ]
        return "\n".join(map(str, kept))

    def close(self) -> None:
        """Let go of the connections."""
        self._engine.dispose()
