"""Calling an action: the one core for routes, and for whatever else lets people call one.

It knows no request: who calls and within which time is handed in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial

from connector.actions.call import Call
from connector.api import features, refunds
from connector.api.answer_once import answer_once
from connector.api.attention import note_cap
from connector.api.authentication import Caller
from connector.api.rehearsal import rehearse
from connector.api.services import Services
from connector.api.transactions import transactions
from connector.catalog.actions import Action, Values
from connector.catalog.fields import Amount
from connector.catalog.outcomes import CAP_REACHED
from connector.catalog.test_runs import TEST
from connector.errors import InvalidField, KeyRefused
from connector.ledger import exactly_once
from connector.ledger.intents import NotForSale, Sender
from connector.ledger.tries import Try
from connector.money import plain
from connector.security.rights import told
from connector.store.reference_spaces import LONGEST


def run_action(parts: Services, caller: Caller, action: Action, values: Values) -> Values:
    """The result of an action for validated `values`: `success`, `outcome` and the action's own
    fields, or `items` for an action that gives a list.

    The values passed `check_maximum`, and then `caller` was admitted: with Access.PAYWALL for an
    exactly-once action and for one that tells what is stored, with SERVED for others. Raises what
    the action raises.
    """
    allowed = told(caller.token.actions) if caller.token else ""
    call = partial(
        Call,
        account=lambda: replace(
            parts.readiness.account(caller.key, caller.upstream), allowed=allowed
        ),
        transactions=lambda asked: transactions(parts, caller.paywall, asked),
        usage=lambda asked: features.usage_of(parts, caller, asked),
    )
    counted = action.exactly_once or action.at_most_once
    if counted and caller.user and "reference" in values:
        _refuse_too_long(values["reference"])
    if action.exactly_once:
        _refuse_beyond_token(caller, action, values)
        try:
            perform = partial(_try, action, partial(call, caller.upstream))
            result = _once(parts, caller, action, values, perform)
        except KeyRefused:
            parts.identity.distrust(caller.key)
            raise
    elif action.at_most_once and "reference" in values:
        result = answer_once(parts, caller, action, values, call)
    else:
        result = action.perform(call(caller.upstream), values)
    parts.rate_limits.proven(caller.key)
    parts.readiness.soon(caller.key, values.get("user", ""))
    return result


def _try(action: Action, call: Callable[..., Call], now: Try) -> Values:
    told = call(idempotency_key=now.upstream_key, in_doubt=now.in_doubt)
    return action.perform(told, now.values)


def _once(
    parts: Services,
    caller: Caller,
    action: Action,
    values: Values,
    perform: Callable[[Try], Values],
) -> Values:
    """Through the ledger, with the price that the paywall's rules or the row to give back make."""
    values = dict(values)
    test = values.pop(TEST, False)
    rule = action.exactly_once
    pricing, paid = None, None
    if rule is not None and rule.refunds:
        try:
            paid = refunds.paid_row(parts, caller, values)
        except NotForSale as nothing:
            return nothing.result
        values["user"] = paid.user_id
        pricing = refunds.pricing_of(parts, caller, values, paid)
    elif rule is not None and rule.priced:
        pricing = features.pricing_of(parts, caller, values)
    sender = _sender(parts, caller)
    if test:
        result = rehearse(parts, caller, action, values, sender, pricing)
    else:
        result = exactly_once.run(
            parts.store,
            caller.paywall,
            action,
            values,
            perform,
            caller.upstream.deadline,
            sender,
            parts.settings.doubt_seconds,
            pricing,
        )
    if pricing is not None and result["outcome"] == CAP_REACHED and not test:
        note_cap(parts, caller, values["feature"], values["user"])
    if paid is not None:
        return result | {"refunded_total": refunds.total_of(parts, paid)}
    return result | (features.left_of_the_day(parts, caller, values) if pricing else {})


def _sender(parts: Services, caller: Caller) -> Sender:
    """Who calls, as the ledger needs it."""
    prints = tuple(parts.identity.fingerprints(caller.key).values())
    if caller.token is None:
        return Sender(prints, parts.encryption)
    reserve = partial(parts.tokens.reserve, caller.token, caller.paywall.id)
    limited = caller.token.max_per_day is not None
    return Sender(prints, parts.encryption, caller.user, reserve if limited else None)


def _refuse_beyond_token(caller: Caller, action: Action, values: Values) -> None:
    """Raises NotAllowedByToken for more than a token may move at once."""
    if caller.token is None or action.exactly_once is None:
        return
    if not action.exactly_once.priced:
        caller.token.require_amount(action.exactly_once.amount(values))


def _refuse_too_long(reference: str) -> None:
    """Raises InvalidField for a reference that is too long for a user's own space."""
    if len(reference) > LONGEST:
        raise InvalidField(
            f"“Reference” may have at most {LONGEST} letters with a token of one user. Use a "
            "shorter one.",
            field="reference",
        )


def check_maximum(parts: Services, action: Action, values: Values) -> None:
    """Raises InvalidField for an amount of an exactly-once action above the operator's maximum."""
    for name, field in action.words().items():
        if isinstance(field, Amount) and action.exactly_once:
            refuse_above_maximum(parts, field.label, name, values.get(name))


def refuse_above_maximum(parts: Services, label: str, name: str, amount: Decimal | None) -> None:
    """Raises InvalidField for an amount above the operator's maximum."""
    maximum = parts.settings.max_amount
    if amount is not None and amount > maximum:
        raise InvalidField(
            f"“{label}” may be at most {plain(maximum)} here. Write a smaller number, or ask the "
            "connector's operator to raise CONNECTOR_MAX_AMOUNT.",
            field=name,
        )
