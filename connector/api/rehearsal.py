"""Test runs of exactly-once actions, as builders see them: everything is checked, nothing is moved.

Tools try a step with the values of their first record while somebody builds a flow; that must not
charge anybody.
"""

from __future__ import annotations

from decimal import Decimal

from connector.actions.refusals import shortfall
from connector.api.authentication import Caller
from connector.api.services import Services
from connector.catalog.actions import Action, Values
from connector.catalog.test_runs import would
from connector.ledger import rehearsal
from connector.ledger.intents import Pricing, Sender
from connector.ledger.rehearsal import Rehearsed
from connector.money import plain

_REFUSED = "Test run: nothing was moved, and nothing would be."


def rehearse(
    parts: Services,
    caller: Caller,
    action: Action,
    values: Values,
    sender: Sender,
    pricing: Pricing | None,
) -> Values:
    """What a call with these values would be answered now: `success` is false, for nothing is
    moved. Raises what that call raises before it moves anything."""
    found = rehearsal.rehearse(
        parts.store, caller.paywall, action, values, caller.upstream.deadline, sender, pricing
    )
    asked = found.told | {"amount": plain(found.amount), "duplicate": found.before is not None}
    if found.refusal is not None:
        return asked | found.refusal
    if found.before is not None and not found.before.final:
        return asked | (found.before.result or {})
    told = {"success": False, "outcome": would(action.key), "message": _message(action, found)}
    takes = action.exactly_once is not None and action.exactly_once.refundable
    if takes and found.amount and found.before is None and not found.undecided:
        short = shortfall(caller.upstream, values["user"], found.amount)
        if short is not None:
            outcome, link = short
            told |= {"outcome": outcome, "message": _REFUSED, "action_url": link}
    else:
        caller.upstream.balance(values["user"])  # whether the key is good, and what it costs to ask
    return asked | told


def _message(action: Action, found: Rehearsed) -> str:
    done = next(iter(action.outcomes))
    if found.undecided:
        return (
            "Test run: an earlier try of this reference is not decided yet. Sent for real, it "
            "would not count twice."
        )
    if found.before is not None:
        return f"Test run: this reference was counted before, so nothing more would be {done}."
    if found.amount == Decimal(0):
        return "Test run: this one would be free."
    return f"Test run: {plain(found.amount)} would be {done}. No money was moved."
