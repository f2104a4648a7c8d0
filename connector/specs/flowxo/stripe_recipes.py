"""The recipes for an owner's own Stripe: payments are deposited, what goes back is taken back.

A refund is taken from `refund.created`, which has its own id and amount: `charge.refunded` has the
sum of all. Source: https://docs.stripe.com/api/events/types
"""

from __future__ import annotations

from typing import Any

from connector.specs.flowxo.tasks import Task, code, condition, http, outcome_is, row, said
from connector.specs.stripe_amounts import in_money

_OWNER = "owner@example.com"
_OBJECT = "trigger.data__object"
_CURRENCY = "usd"
_YOURS = condition(f"{{{{{_OBJECT}__currency}}}}", "equals", _CURRENCY)
_OTHER = condition(f"{{{{{_OBJECT}__currency}}}}", "does not equal", _CURRENCY)
_PAYER = "stripe_payer"
_GUARD = (
    "FlowXO does not check that it is Stripe who posts: keep the trigger's address to yourself, "
    "and put a token into this flow that may only do what it does, with max_amount and max_per_day."
)


def payment() -> dict[str, Any]:
    """Deposits what was paid, and remembers who paid."""
    rows = [
        row("user", f"{{{{{_OBJECT}__client_reference_id}}}}", "Who pays."),
        row("amount", "{{money.result__amount}}", "The sum that the task money gives."),
        row("reference", f"{{{{{_OBJECT}__payment_intent}}}}", "The payment's id."),
    ]
    return {
        "key": "stripe_payment",
        "label": "Your own Stripe: a payment becomes a deposit",
        "trigger": "Webhook: Stripe posts checkout.session.completed and "
        "checkout.session.async_payment_succeeded to it.",
        "only_if": [
            condition(
                "{{trigger.type}}",
                "equals one of",
                "checkout.session.completed, checkout.session.async_payment_succeeded",
            ),
            condition(f"{{{{{_OBJECT}__payment_status}}}}", "equals", "paid"),
        ],
        "tasks": [
            _money("amount_total"),
            http("deposit", "deposit", rows, _YOURS),
            {
                "name": "remember",
                "do": "set_attribute",
                "key": f"{{{{{_OBJECT}__payment_intent}}}}",
                "attribute": _PAYER,
                "set_to": f"{{{{{_OBJECT}__client_reference_id}}}}",
                "only_if": [outcome_is("deposit", "deposited")],
            },
            said(
                "failed",
                f"Payment {{{{{_OBJECT}__payment_intent}}}} was not deposited: "
                "{{deposit.data__message}}",
                _OWNER,
                outcome_is("deposit", "not_supported, unknown, error"),
            ),
            _other_currency("Deposit it yourself."),
        ],
        "note": "Give the person's id to Stripe as client_reference_id when you make the page. "
        "Stripe counts in the smallest unit: the task money makes 12.50 of 1250 in dollars, 1250 "
        "in yen, 1.250 in Kuwaiti dinars. Write your paywall's currency where usd stands. For the "
        "trigger's test let Stripe send a real payment in its test mode, so that every field is "
        f"there. {_GUARD} Default mode only.",
    }


def take_back() -> dict[str, Any]:
    """Charges what Stripe gave back to the payer."""
    rows = [
        row("user", "{{payer.value}}", "Who had paid."),
        row("amount", "{{money.result__amount}}", "The sum that the task money gives."),
        row("reference", f"{{{{{_OBJECT}__id}}}}", "The refund's or dispute's own id."),
    ]
    known = condition("{{payer.value}}", "is not empty")
    return {
        "key": "stripe_take_back",
        "label": "Your own Stripe: a refund or dispute is taken back",
        "trigger": "Webhook: Stripe posts refund.created, charge.dispute.created and "
        "charge.dispute.funds_withdrawn to it.",
        "only_if": [
            condition(
                "{{trigger.type}}",
                "equals one of",
                "refund.created, charge.dispute.created, charge.dispute.funds_withdrawn",
            ),
            condition(
                f"{{{{{_OBJECT}__status}}}}",
                "equals one of",
                "pending, requires_action, succeeded, needs_response, under_review, lost",
            ),
        ],
        "tasks": [
            {
                "name": "payer",
                "do": "get_attribute",
                "key": f"{{{{{_OBJECT}__payment_intent}}}}",
                "attribute": _PAYER,
                "what": "Kept by the flow before: whose balance the payment has filled.",
            },
            _money("amount"),
            http("charge", "charge", rows, known, _YOURS),
            said(
                "owed",
                f"{{{{{_OBJECT}__id}}}}: {{{{money.result__amount}}}} could not be taken back from "
                "{{payer.value}}. {{charge.data__message}}\n{{charge.data__action_url}}",
                _OWNER,
                outcome_is(
                    "charge",
                    "authorization_required, topup_required, declined, refunded, unknown, error",
                ),
            ),
            said(
                "unknown_payment",
                f"{{{{{_OBJECT}__id}}}} gives back a payment that was never deposited: "
                f"{{{{{_OBJECT}__payment_intent}}}}. Look it up and charge the person yourself.",
                _OWNER,
                condition("{{payer.value}}", "is empty"),
            ),
            _other_currency("Take it back yourself."),
        ],
        "note": "Every refund has its own id and sum, so that each part is taken once, however "
        "often Stripe tells of it. Do not use charge.refunded: it has the sum of all refunds. "
        "Stripe must send in the API version 2024-10-28 or a later one. Whoever has spent the "
        "money already has too little (topup_required): you get a mail with their link; after they "
        f"have topped up, choose Resend on the event in Stripe. {_GUARD}",
    }


def came_back() -> dict[str, Any]:
    """Gives back what was taken, when the refund fails or the dispute is won."""
    rows = [row("reference", f"{{{{{_OBJECT}__id}}}}", "The refund's or dispute's own id.")]
    new = condition("{{refund.data__duplicate}}", "equals", "false")
    return {
        "key": "stripe_came_back",
        "label": "Your own Stripe: a failed refund or won dispute is given back",
        "trigger": "Webhook: Stripe posts refund.failed, refund.updated and "
        "charge.dispute.funds_reinstated to it.",
        "only_if": [
            condition(
                "{{trigger.type}}",
                "equals one of",
                "refund.failed, refund.updated, charge.dispute.funds_reinstated",
            ),
            condition(f"{{{{{_OBJECT}__status}}}}", "equals one of", "failed, canceled, won"),
        ],
        "tasks": [
            http("refund", "refund", rows),
            said(
                "told",
                f"{{{{{_OBJECT}__id}}}}: {{{{refund.data__message}}}}",
                _OWNER,
                outcome_is("refund", "refunded"),
                new,
            ),
            said(
                "failed",
                f"{{{{{_OBJECT}__id}}}} was not given back: {{{{refund.data__message}}}}",
                _OWNER,
                outcome_is("refund", "not_supported, unknown, error"),
            ),
        ],
        "note": f"What could not be taken has nothing to give back. {_GUARD}",
    }


def _money(field: str) -> Task:
    return code(
        "money",
        [
            row("amount", f"{{{{{_OBJECT}__{field}}}}}", "Stripe's number."),
            row("currency", f"{{{{{_OBJECT}__currency}}}}", "Stripe's word for the currency."),
        ],
        f"resolve({{ amount: {in_money('inputs.amount', 'inputs.currency')} }});",
        "Makes a sum of Stripe's whole number.",
    )


def _other_currency(what: str) -> Task:
    return said(
        "other_currency",
        f"{{{{{_OBJECT}__id}}}} is in {{{{{_OBJECT}__currency}}}}, and your balances are in "
        f"{_CURRENCY}. {what}",
        _OWNER,
        _OTHER,
    )
