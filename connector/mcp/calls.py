"""Calling a tool: the action's own route in another dress."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from flask import g, request

from connector import jsontext
from connector.api import flat_input
from connector.api.action_routes import access_of, answer_of, right_of
from connector.api.authentication import Caller
from connector.api.flat_blueprint import admitted_for, filled, put_user_in
from connector.api.run_action import check_maximum, run_action
from connector.api.services import Services, services
from connector.catalog.actions import Action, Values, actions, by_key
from connector.catalog.test_runs import TEST
from connector.errors import ConnectorError, InvalidField, quoted
from connector.mcp.messages import INVALID_PARAMS, RpcError
from connector.security.tokens import Standing
from connector.store import ledger_rows
from connector.store.ledger_rows import DONE
from connector.store.reference_spaces import spaced

_REPEATED_WITHIN = timedelta(hours=24)
"""So long a reference that was paid may be sent again as the same call. Models number their orders
from 1 in every conversation: a reference that is older is a new purchase with an old name."""


def call(params: Values) -> Values:
    """The result of a tool that a client calls.

    Raises RpcError for what is no call of a tool, or what the action's route raises.
    """
    name, given = params.get("name"), params.get("arguments")
    action = by_key(name) if isinstance(name, str) else None
    if action is None:
        raise RpcError(
            INVALID_PARAMS,
            f"There is no tool “{quoted(name)}” here. The tools are: "
            f"{', '.join(one.key for one in actions())}.",
        )
    if given is not None and not isinstance(given, dict):
        raise RpcError(INVALID_PARAMS, "The “arguments” of a tool must be an object.")
    shown: Standing | None = g.get("standing")
    if shown is not None:
        shown.token.require(right_of(action).any_of)
    values = _values(action, given or {})
    caller = admitted_for(access_of(action), action)
    _refuse_paid_long_ago(services(), caller, action, values)
    return _told(action, run_action(services(), caller, action, values))


def failed(error: ConnectorError) -> Values:
    """The result of a tool that could not do what was asked."""
    return {"content": [{"type": "text", "text": error.message}], "isError": True}


def _values(action: Action, given: Values) -> Values:
    values = flat_input.arguments(request, given, action.input)
    put_user_in(values, action.input)
    schema = action.input()
    values = filled(schema, flat_input.fitted(values, schema, beside=()))
    check_maximum(services(), action, values)
    return values


def _told(action: Action, result: Values) -> Values:
    """The message for people first; then all of it as text too, for clients that read no more."""
    answer = answer_of(action, result)
    structured: Any = {"items": answer} if action.many else answer
    texts = [jsontext.dumps(structured).decode()]
    if not action.many:
        texts.insert(0, structured["message"])
    return {
        "content": [{"type": "text", "text": text} for text in texts],
        "structuredContent": structured,
        "isError": False,
    }


def _refuse_paid_long_ago(parts: Services, caller: Caller, action: Action, values: Values) -> None:
    """Raises InvalidField for a reference that was paid so long ago that it is no repetition."""
    rule = action.exactly_once
    if rule is None or rule.refunds or values.get(TEST):
        return
    kept = spaced(values["reference"], caller.user)
    row = parts.store.read(
        lambda connection: ledger_rows.find(connection, caller.paywall.ids, action.key, kept)
    )
    if row is None or row.state != DONE:
        return
    if parts.store.clock.now() - row.updated_at < _REPEATED_WITHIN:
        return
    paid = "paid" if rule.refundable and Decimal(row.amount) else "counted"
    raise InvalidField(
        f"“{quoted(values['reference'])}” was already {paid} on "
        f"{row.updated_at:%Y-%m-%d}. Take a new reference only for a new purchase.",
        field="reference",
        reference=values["reference"],
    )
