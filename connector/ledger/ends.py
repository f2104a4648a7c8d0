"""How a try ended and who decided a row: in the words written down, and in those for people."""

from __future__ import annotations

from connector.store import try_rows
from connector.store.try_rows import TryRow

STORED = "stored_refusal"
"""How a try ended to which upstream only repeated its "no" of before."""
BROKEN_OFF = "broken_off"
"""How a try ended that the connector itself could not finish."""
OWNER, OPERATOR, EVENT = "owner", "operator", "event"
"""Who decides a row that is in doubt: who holds the paywall's key, who runs the connector, or an
event from Paywalls."""

_TRIES = {
    try_rows.LOST: "the connector stopped in the middle of it",
    STORED: "Paywalls repeated its refusal of before",
    BROKEN_OFF: "the connector could not finish it",
}
_WHO = {
    OWNER: "Somebody with the paywall's key wrote down that",
    OPERATOR: "The connector's operator wrote down that",
    EVENT: "An event from Paywalls shows that",
}


def decided_by(who: str, *, happened: bool) -> str:
    """How a decision is written down among the tries."""
    return f"{who}:{'happened' if happened else 'did_not'}"


def told(one: TryRow) -> str:
    """A try, or a decision, in a sentence."""
    who, _, decision = one.ended.partition(":")
    if decision:
        return f"{_WHO[who]} it {'went through' if decision == 'happened' else 'did not happen'}."
    ended = _TRIES.get(one.ended, f"it ended with “{one.ended}”")
    return f"Sent to Paywalls: {ended}."
