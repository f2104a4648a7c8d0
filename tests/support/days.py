"""What is counted by the day is counted on one day, also in tests that run at midnight."""

from __future__ import annotations

import functools
from datetime import UTC, datetime


@functools.cache
def zone_at_noon() -> str:
    """The name of a time zone in which it was noon when it was first asked for.

    In these names the signs are the other way round. Source: the IANA time zone database,
    `etcetera`.
    """
    return f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"
