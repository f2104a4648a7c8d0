"""The database's time, in this process: one clock for all, whatever this machine's own says."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from connector.errors import Unavailable
from connector.store.timestamps import now

LOOK_EVERY = 60.0


def moment(connection: Connection) -> datetime:
    """The database's time right now."""
    asked: datetime = connection.execute(select(now())).scalar_one()
    return asked


@dataclass(frozen=True)
class Day:
    """A day in a time zone: its `name`, such as 2026-01-31, and when it `ends`, in UTC."""

    name: str
    ends: datetime
    timezone: str

    @property
    def end_told(self) -> str:
        """When it ends, for people."""
        return f"{self.ends.astimezone(ZoneInfo(self.timezone)):%Y-%m-%d %H:%M} ({self.timezone})"


def day_at(moment: datetime, timezone: str) -> Day:
    """The day that a moment falls on in a time zone. It ends with the zone's own midnight, also
    where the clocks are changed in between."""
    zone = ZoneInfo(timezone)
    date = moment.astimezone(zone).date()
    ends = datetime.combine(date + timedelta(days=1), datetime.min.time(), zone).astimezone(UTC)
    return Day(f"{date:%Y-%m-%d}", ends, timezone)


class DatabaseClock:
    """Asks the database once a minute, with `ask`, and goes by this machine's steady clock in
    between. Until it could be asked for the first time, this machine's own time is told."""

    def __init__(self, ask: Callable[[], datetime]) -> None:
        self._ask = ask
        self._seen: tuple[datetime, float] | None = None
        self._looked: float | None = None

    def now(self) -> datetime:
        """The time, aware, in UTC. Raises nothing."""
        steady = time.monotonic()
        if self._looked is None or steady - self._looked > LOOK_EVERY:
            self._looked = steady  # before it is asked: while it is away nobody else waits for it
            with contextlib.suppress(Unavailable):
                self._seen = (self._ask(), time.monotonic())
        if self._seen is None:
            return datetime.now(UTC)
        told, then = self._seen
        return told + timedelta(seconds=time.monotonic() - then)
