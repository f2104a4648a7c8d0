"""What an action's function is given besides its values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from connector.catalog.actions import Values
from connector.upstream import Upstream


@dataclass(frozen=True)
class Account:
    """What the connector knows of the paywall behind a key; `paywall_id` is "" until known.
    `allowed` is what the connector token may do that was shown instead, "" for the key itself."""

    paywall_id: str
    sandbox: bool
    triggers_ready: bool
    triggers_message: str
    possible_gap: bool
    allowed: str = ""


@dataclass(frozen=True)
class Call:
    """One call of an action.

    `idempotency_key` is the upstream key that the ledger chose, for actions that are exactly
    once; `in_doubt` that an earlier try under it got no answer. `account` looks up the caller's
    paywall; it may ask upstream, and raises as that does. `transactions` looks up what the ledger
    has of it, and `usage` what is counted of a feature, by the values of the actions called so.
    """

    upstream: Upstream
    account: Callable[[], Account]
    transactions: Callable[[Values], list[Values]]
    usage: Callable[[Values], Values]
    idempotency_key: str = ""
    in_doubt: bool = False
