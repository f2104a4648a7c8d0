"""The ready-made workflows about balances: a nudge when one is used up, credit for new users."""

from __future__ import annotations

from connector.specs.n8n.workflow_actions import GUARDED, Variant, set_up
from connector.specs.n8n.workflow_parts import (
    Workflow,
    condition,
    mail,
    named,
    unseen,
    webhook,
)


def nudge(key: str, variant: Variant) -> Workflow:
    """Mails a top-up link to who has used up their balance."""
    flow = Workflow(key, "Low-balance nudge, at most once a day")
    set_up(
        flow,
        variant,
        "When a user's balance is used up, they get a mail with a link to add to it, at most one a "
        "day. Change *Find Address* to look up the user's mail address in your own list, and add "
        "an *SMTP* credential.",
    )
    first = variant.events(
        flow,
        "balance_depleted",
        trigger="Balance Used Up",
        column=1,
        request="Balances Used Up",
        minutes=5,
    )
    wanted = "={{ !!$json.user }}"
    if variant.http:  # the list also holds what is long past
        wanted = "={{ $json.user && DateTime.fromISO($json.created_at) > $now.minus({ days: 1 }) }}"
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
    day = "={{ $json.user }} {{ $json.created_at.slice(0, 10) }}"
    once = unseen(flow, "Once a Day", (4, 0), day)
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
    letter = mail(
        flow,
        "Send Email",
        (7, 0),
        "={{ $json.email }}",
        "Your balance is used up",
        "={{ $json.message }}\n{{ $json.action_url }}",
    )
    flow.row(*first, known, one_each, once, link, address, letter)
    return flow


def signup(key: str, variant: Variant) -> Workflow:
    """Gives new users something to start with."""
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
