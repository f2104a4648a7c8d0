"""The caller's paywall, once triggers can fire for it."""

from __future__ import annotations

from connector.api.services import services, upstream
from connector.store.paywall_rows import Paywall


def require(key: str) -> Paywall:
    """The caller's paywall; waits up to 5 s until triggers can fire for it.

    Raises TriggersNotReady with the reason and the fix, or what proving the key raises.
    """
    return services().readiness.require(key, upstream(key))
