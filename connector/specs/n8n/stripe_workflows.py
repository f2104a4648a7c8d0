"""The ready-made workflows for an owner's own Stripe: what is paid in is deposited, what goes back
to the payer is taken back.

The events are those of https://docs.stripe.com/api/events/types. A refund is taken from
`refund.created`, which names the refund and its own amount: `charge.refunded` has the sum of all.
"""

from __future__ import annotations

from connector.specs.n8n.workflow_actions import Variant, set_up
from connector.specs.n8n.workflow_parts import (
    Workflow,
    branch,
    condition,
    mail,
    stop,
    switch,
    values,
    webhook_id,
)
from connector.specs.stripe_amounts import in_money

_OBJECT = "$json.data.object"
_SESSIONS = "['checkout.session.completed', 'checkout.session.async_payment_succeeded']"
_PAID = (
    f"={{{{ ({_SESSIONS}.includes($json.type) && {_OBJECT}.payment_status === 'paid') "
    f"|| ($json.type === 'payment_intent.succeeded' && !!{_OBJECT}.metadata.user) }}}}"
)
_GONE = (
    f"={{{{ ($json.type === 'refund.created' && !['failed', 'canceled'].includes({_OBJECT}.status))"
    " || $json.type === 'charge.dispute.funds_withdrawn' "
    f"|| ($json.type === 'charge.dispute.created' && !{_OBJECT}.status.startsWith('warning')) }}}}"
)
_CAME_BACK = (
    "={{ (['refund.failed', 'refund.updated', 'charge.refund.updated'].includes($json.type) "
    f"&& ['failed', 'canceled'].includes({_OBJECT}.status)) "
    "|| $json.type === 'charge.dispute.funds_reinstated' }}"
)
_CURRENCY = "usd"
_API_VERSION = "2024-10-28.acacia"
"""The first in which every refund has an event of its own."""


def deposit(key: str, variant: Variant) -> Workflow:
    """Deposits what was paid, under the payment's id."""
    flow = Workflow(key, "Deposit after a Stripe payment")
    set_up(
        flow,
        variant,
        "When somebody has paid on a Stripe page of yours, the same sum is added to their balance, "
        "once. Give your user's id to Stripe as `client_reference_id` when you make the page, or, "
        "without Stripe's page, as `metadata.user` of the payment. Stripe counts in the smallest "
        "unit: 1250 becomes 12.50 in dollars, 1250 in yen, 1.250 in Kuwaiti dinars. Write your "
        "paywall's currency into *Payment*: a payment in another one stops. (Default mode only.)",
    )
    event = _trigger(flow, "Stripe Payment")
    paid = flow.add("Really Paid", "n8n-nodes-base.filter", 2.2, (1, 0), condition(_PAID, "true"))
    amount = f"({_OBJECT}.amount_total ?? {_OBJECT}.amount_received)"
    payment = values(
        flow,
        "Payment",
        (2, 0),
        {
            "user": f"={{{{ {_OBJECT}.client_reference_id || {_OBJECT}.metadata?.user }}}}",
            "amount": f"={{{{ {in_money(amount, f'{_OBJECT}.currency')} }}}}",
            # A page that sells a subscription has no payment of its own.
            "reference": f"={{{{ {_OBJECT}.payment_intent || {_OBJECT}.id }}}}",
            "currency": f"={{{{ {_OBJECT}.currency }}}}",
            "your_currency": _CURRENCY,
        },
    )
    same = branch(flow, "Your Currency?", (3, 0), "={{ $json.currency === $json.your_currency }}")
    other = stop(
        flow,
        "Other Currency",
        (4, 0.6),
        "=Payment {{ $json.reference }} is in {{ $json.currency }}, but your balances are in "
        "{{ $json.your_currency }}, so nothing was deposited. Deposit the right sum yourself, with "
        "{{ $json.reference }} as its reference.",
    )
    fields = {name: f"={{{{ $json.{name} }}}}" for name in ("user", "amount", "reference")}
    step = variant.action(flow, "Deposit Credits", "deposit", fields, (4, 0))
    flow.row(event, paid, payment, same, step)
    flow.link(same, other, output=1)
    variant.stops_unless_done(flow, step, (5, 0))
    return flow


def take_back(key: str, variant: Variant) -> Workflow:
    """Charges what Stripe gave back to the payer, under the refund's or dispute's id."""
    flow = Workflow(key, "Take back after a Stripe refund or dispute")
    set_up(
        flow,
        variant,
        "When you refund a Stripe payment, whole or in part, or the payer disputes it, the same "
        "sum is taken from the balance that *Deposit after a Stripe payment* has filled, once for "
        "each refund. If a refund fails or you win the dispute, it is given back. Whoever has "
        "spent the money already has too little: then you get a mail with their link, and the run "
        "fails; after they have topped up, choose *Resend* on the event in Stripe and it is taken "
        "once. Until then nothing is owed by itself. Add an *SMTP* credential and your address in "
        "*Tell the Owner*, and write your paywall's currency into *What to Take Back*. "
        "(Default mode only.)",
    )
    event = _trigger(flow, "Stripe Refund or Dispute")
    outputs = {"Money Is Gone": _GONE, "Money Came Back": _CAME_BACK}
    which = switch(flow, "Which Way?", (1, 0), outputs)
    flow.row(event, which)
    _taken(flow, variant, which)
    given = variant.action(
        flow, "Give Back", "refund", {"reference": f"={{{{ {_OBJECT}.id }}}}"}, (2, 1.4)
    )
    flow.link(which, given, output=1)
    variant.stops_unless_done(flow, given, (3, 1.4))
    return flow


def _taken(flow: Workflow, variant: Variant, before: str) -> None:
    payment = f"={{{{ {_OBJECT}.payment_intent || {_OBJECT}.charge }}}}"
    found = variant.action(
        flow,
        "Find Deposit",
        "transactions",
        {},
        (2, 0),
        optional={"reference": payment},
        # Without a row the flow would end here, and nobody would hear of it.
        alwaysOutputData=True,
    )
    stripe = "$('Stripe Refund or Dispute').first().json.data.object"
    deposits = "$('Find Deposit').all().map(i => i.json)"
    what = values(
        flow,
        "What to Take Back",
        (3, 0),
        {
            # Without an id Find Transaction lists everybody's.
            "user": f"={{{{ {deposits}.find(row => row.action === 'deposit' && row.happened "
            f"&& row.reference === ({stripe}.payment_intent || {stripe}.charge))?.user ?? '' }}}}",
            "amount": f"={{{{ {in_money(f'{stripe}.amount', f'{stripe}.currency')} }}}}",
            "reference": f"={{{{ {stripe}.id }}}}",
            "payment": f"={{{{ {stripe}.payment_intent || {stripe}.charge }}}}",
            "currency": f"={{{{ {stripe}.currency }}}}",
            "your_currency": _CURRENCY,
        },
        executeOnce=True,
    )
    known = branch(
        flow,
        "Known Deposit?",
        (4, 0),
        "={{ !!$json.user && $json.currency === $json.your_currency }}",
    )
    fields = {name: f"={{{{ $json.{name} }}}}" for name in ("user", "amount", "reference")}
    charge = variant.action(flow, "Charge User", "charge", fields, (5, 0), on_refusal="continue")
    done = branch(flow, "Taken Back?", (6, 0), "={{ $json.success }}")
    ready = flow.add("Done", "n8n-nodes-base.noOp", 1, (7, -0.4), {})
    wanted = "$('What to Take Back').first().json"
    told = mail(
        flow,
        "Tell the Owner",
        (7, 0.6),
        "owner@example.com",
        f"=Not taken back: {{{{ {wanted}.reference }}}}",
        f"=Stripe gave back {{{{ {wanted}.amount }}}} {{{{ {wanted}.currency }}}} of payment "
        f"{{{{ {wanted}.payment }}}} ({{{{ {wanted}.reference }}}}), and it could not be taken "
        "from a balance.\n"
        "{{ $json.outcome ? 'User ' + $json.user + ': ' + $json.message + '\\n' + $json.action_url "
        "+ '\\nWhen they have topped up, choose Resend on the event in Stripe: it is taken once.' "
        ": 'There is no deposit for this payment in ' + $json.your_currency + '. Look it up and "
        "charge the user yourself.' }}",
    )
    failed = stop(
        flow,
        "Not Taken Back",
        (8, 0.6),
        f"={{{{ {wanted}.amount }}}} was not taken back for {{{{ {wanted}.reference }}}}. See "
        "the mail of the step before.",
    )
    flow.link(before, found)
    flow.row(found, what, known, charge, done, ready)
    flow.link(known, told, output=1)
    flow.link(done, told, output=1)
    flow.link(told, failed)


def _trigger(flow: Workflow, name: str) -> str:
    return flow.add(
        name,
        "n8n-nodes-base.stripeTrigger",
        1,
        (0, 0),
        # n8n's list of events has neither refunds nor payments that are settled later.
        {"events": ["*"], "apiVersion": _API_VERSION},
        "stripeApi",
        webhookId=webhook_id(flow, name),
    )
