"""Adding an amount to a balance: what Deposit Credits and Refund Charge have in common."""

from __future__ import annotations

import structlog

from connector.actions.call import Call
from connector.catalog.actions import Values
from connector.errors import UpstreamRejected

log = structlog.get_logger(__name__)


def give(call: Call, values: Values, notes: Values) -> str | None:
    """Add the amount, with `notes` kept upstream; the balance as it is shown to people then.

    None where this paywall takes no deposits: upstream refuses one as such (4xx) where the
    paywall's users pay in themselves. Raises what the client raises.
    """
    try:
        return call.upstream.deposit(values["user"], values["amount"], notes, call.idempotency_key)
    except UpstreamRejected as refused:
        if call.in_doubt:
            raise  # it may have been added before: not a word about a balance that takes none
        log.info("deposit_refused", said=refused.message)
        return None
