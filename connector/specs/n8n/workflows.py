"""Ready-made workflows, each with our nodes and with n8n's HTTP Request node only."""

from __future__ import annotations

from collections.abc import Callable

from connector.specs.n8n.ai_workflows import agent, gate
from connector.specs.n8n.workflow_parts import (
    GUARDED,
    HTTP,
    Variant,
    Workflow,
    condition,
    named,
    set_up,
    webhook,
    webhook_id,
)

_STRIPE_PAID = "['checkout.session.completed', 'checkout.session.async_payment_succeeded']"


def workflows(address: str) -> dict[str, str]:
    """The JSON text of every workflow by its name; `address` is the connector's."""
    texts = {}
    for key, build in _RECIPES.items():
        for http in (False, True):
            name = f"{key}-http" if http else key
            texts[name] = build(name, Variant(address, http)).text()
    return texts


def _nudge(key: str, variant: Variant) -> Workflow:
    flow = Workflow(key, "Low-balance nudge, at most once a day")
    set_up(
        flow,
        variant,
        "When a user's balance is used up, they get a mail with a link to add to it, at most one a "
        "day. Change *Find Address* to look up the user's mail address in your own list, and add "
        "an *SMTP* credential.",
    )
    if variant.http:
        first = [
            flow.add(
                "Every 5 Minutes",
                "n8n-nodes-base.scheduleTrigger",
                1.2,
                (0, 0),
                {"rule": {"interval": [{"field": "minutes", "minutesInterval": 5}]}},
            ),
            flow.add(
                "Balances Used Up",
                HTTP,
                4.2,
                (1, 0),
                {
                    "url": f"{variant.address}/v1/triggers/balance_depleted",
                    "authentication": "genericCredentialType",
                    "genericAuthType": "httpHeaderAuth",
                    "options": {},
                },
                "httpHeaderAuth",
            ),
        ]
        # The list also holds what is long past.
        wanted = "={{ $json.user && DateTime.fromISO($json.created_at) > $now.minus({ days: 1 }) }}"
    else:
        first = [
            flow.add(
                "Balance Used Up",
                "n8n-nodes-paywalls.paywallsTrigger",
                1,
                (1, 0),
                {"event": "balance_depleted", "user": "", "sample": True},
                "paywallsApi",
                webhookId=webhook_id(flow, "Balance Used Up"),
            )
        ]
        wanted = "={{ !!$json.user }}"
    known = flow.add("Known User", "n8n-nodes-base.filter", 2.2, (2, 0), condition(wanted, "true"))
    # The next step only knows what earlier runs had.
    one_each = flow.add(
        "One Each",
        "n8n-nodes-base.removeDuplicates",
        2,
        (3, 0),
        {
            "operation": "removeDuplicateInputItems",
            "compare": "selectedFields",
            "fieldsToCompare": "user",
            "options": {},
        },
    )
    once = flow.add(
        "Once a Day",
        "n8n-nodes-base.removeDuplicates",
        2,
        (4, 0),
        {
            "operation": "removeItemsSeenInPreviousExecutions",
            "dedupeValue": "={{ $json.user }} {{ $json.created_at.slice(0, 10) }}",
            # A full history stops the workflow for good.
            "options": {"historySize": 1_000_000},
        },
    )
    link = variant.action(
        flow, "Create Top-Up Link", "topup_link", {"user": "={{ $json.user }}"}, (5, 0)
    )
    address = flow.add(
        "Find Address",
        "n8n-nodes-base.set",
        3.4,
        (6, 0),
        {
            "assignments": {
                "assignments": [
                    {
                        "id": "1f6a2f0e-7a54-4a7e-9b1c-0d3f3d2c6a01",
                        "name": "email",
                        "type": "string",
                        "value": "={{ $json.user }}@example.com",
                    }
                ]
            },
            "includeOtherFields": True,
            "options": {},
        },
    )
    mail = flow.add(
        "Send Email",
        "n8n-nodes-base.emailSend",
        2.1,
        (7, 0),
        {
            "fromEmail": "billing@example.com",
            "toEmail": "={{ $json.email }}",
            "subject": "Your balance is used up",
            "emailFormat": "text",
            "text": "={{ $json.message }}\n{{ $json.action_url }}",
            "options": {"appendAttribution": False},
        },
        "smtp",
    )
    flow.row(*first, known, one_each, once, link, address, mail)
    return flow


def _stripe(key: str, variant: Variant) -> Workflow:
    flow = Workflow(key, "Deposit after a Stripe payment")
    set_up(
        flow,
        variant,
        "When somebody has paid on a Stripe page of yours, the same sum is added to their balance, "
        "once. Give your user's id to Stripe as `client_reference_id` when you make the page. "
        "Stripe counts in cents, so the sum is divided by 100: change that in *Deposit Credits* "
        "for a currency without cents, such as yen.",
    )
    paid = flow.add(
        "Stripe Payment",
        "n8n-nodes-base.stripeTrigger",
        1,
        (0, 0),
        # n8n's list of events does not have the one for payments that are settled later.
        {"events": ["*"]},
        "stripeApi",
        webhookId=webhook_id(flow, "Stripe Payment"),
    )
    settled = flow.add(
        "Really Paid",
        "n8n-nodes-base.filter",
        2.2,
        (1, 0),
        condition(
            f"={{{{ {_STRIPE_PAID}.includes($json.type) "
            "&& $json.data.object.payment_status === 'paid' }}",
            "true",
        ),
    )
    deposit = variant.action(
        flow,
        "Deposit Credits",
        "deposit",
        {
            "user": "={{ $json.data.object.client_reference_id }}",
            "amount": "={{ ($json.data.object.amount_total / 100).toFixed(2) }}",
            "reference": "={{ $json.data.object.id }}",
        },
        (2, 0),
    )
    flow.row(paid, settled, deposit)
    variant.stops_unless_done(flow, deposit, (3, 0))
    return flow


def _signup(key: str, variant: Variant) -> Workflow:
    flow = Workflow(key, "Signup credit")
    set_up(
        flow,
        variant,
        "Your app calls the webhook with `user` when somebody signs up, and they get 5.00 to start "
        "with. However often it is called, the credit is given once. For a credit at each renewal, "
        "put the month into the reference." + GUARDED,
    )
    joined = webhook(flow, "New User", (0, 0), answers=False)
    deposit = variant.action(
        flow,
        "Deposit Credits",
        "deposit",
        {
            "user": "={{ $json.body.user }}",
            "amount": "5.00",
            "reference": named("signup-", "$json.body.user"),
        },
        (1, 0),
    )
    flow.row(joined, deposit)
    variant.stops_unless_done(flow, deposit, (2, 0))
    return flow


_RECIPES: dict[str, Callable[[str, Variant], Workflow]] = {
    "gate-before-ai": gate,
    "low-balance-nudge": _nudge,
    "stripe-deposit": _stripe,
    "signup-credit": _signup,
    "agent-with-charge": agent,
}
