"""Ready-made workflows, each with our nodes and with n8n's HTTP Request node only."""

from __future__ import annotations

from collections.abc import Callable

from connector.specs.n8n.workflow_parts import (
    HTTP,
    Variant,
    Workflow,
    condition,
    openai_model,
    webhook,
    webhook_id,
)

_KEY = (
    "**Credential**: *Paywalls API* with your paywall's secret key and the address of your "
    "connector."
)
_HEADER_KEY = (
    "**Credential**: *Header Auth*, name `X-API-Key`, value your paywall's secret key. The address "
    "of your connector stands in the HTTP Request steps."
)


def workflows(address: str) -> dict[str, str]:
    """The JSON text of every workflow by its name; `address` is the connector's."""
    found = {}
    for key, build in _RECIPES.items():
        for http in (False, True):
            name = f"{key}-http" if http else key
            found[name] = build(name, Variant(address, http)).text()
    return found


def _set_up(workflow: Workflow, variant: Variant, what: str) -> None:
    workflow.note(f"## {workflow.name}\n{what}\n\n{_HEADER_KEY if variant.http else _KEY}")
    if variant.http:
        workflow.name += " (HTTP Request)"


def _gate(key: str, variant: Variant) -> Workflow:
    flow = Workflow(key, "Charge before an AI step")
    _set_up(
        flow,
        variant,
        "A question comes in by webhook as `user`, `message` and `message_id`. The user pays 0.05 "
        "first; who cannot pay gets the link instead of an answer. Put your own AI step where the "
        "chain is.",
    )
    asked = webhook(flow, "Question", (0, 0), answers=True)
    charge = variant.action(
        flow,
        "Charge User",
        "charge",
        {
            "user": "={{ $json.body.user }}",
            "amount": "0.05",
            "reference": "=question-{{ $json.body.message_id }}",
        },
        (1, 0),
        on_refusal="continue",
    )
    paid = flow.add(
        "Paid?", "n8n-nodes-base.if", 2.2, (2, 0), condition("={{ $json.success }}", "true")
    )
    chain = flow.add(
        "AI Step",
        "@n8n/n8n-nodes-langchain.chainLlm",
        1.5,
        (3, -0.5),
        {"promptType": "define", "text": "={{ $('Question').item.json.body.message }}"},
    )
    model = openai_model(flow, (3, 0.4))
    answer = _respond(flow, "Answer", "={{ { answer: $json.text } }}", (4.5, -0.5))
    link = _respond(
        flow,
        "Send the Link",
        "={{ { answer: $json.message, link: $json.action_url } }}",
        (3, 1.2),
    )
    flow.row(asked, charge, paid)
    flow.link(paid, chain)
    flow.link(paid, link, output=1)
    flow.link(chain, answer)
    flow.link(model, chain, kind="ai_languageModel")
    return flow


def _nudge(key: str, variant: Variant) -> Workflow:
    flow = Workflow(key, "Low-balance nudge, at most once a day")
    _set_up(
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
    once = flow.add(
        "Once a Day",
        "n8n-nodes-base.removeDuplicates",
        2,
        (3, 0),
        {
            "operation": "removeItemsSeenInPreviousExecutions",
            "dedupeValue": "={{ $json.user }} {{ $json.created_at.slice(0, 10) }}",
            "options": {},
        },
    )
    link = variant.action(
        flow, "Create Top-Up Link", "topup_link", {"user": "={{ $json.user }}"}, (4, 0)
    )
    address = flow.add(
        "Find Address",
        "n8n-nodes-base.set",
        3.4,
        (5, 0),
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
        (6, 0),
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
    flow.row(*first, known, once, link, address, mail)
    return flow


def _stripe(key: str, variant: Variant) -> Workflow:
    flow = Workflow(key, "Deposit after a Stripe payment")
    _set_up(
        flow,
        variant,
        "When somebody has paid on a Stripe page of yours, the same sum is added to their balance, "
        "once. Give your user's id to Stripe as `client_reference_id` when you make the page.",
    )
    paid = flow.add(
        "Stripe Payment",
        "n8n-nodes-base.stripeTrigger",
        1,
        (0, 0),
        {"events": ["checkout.session.completed"]},
        "stripeApi",
        webhookId=webhook_id(flow, "Stripe Payment"),
    )
    settled = flow.add(
        "Really Paid",
        "n8n-nodes-base.filter",
        2.2,
        (1, 0),
        condition("={{ $json.data.object.payment_status === 'paid' }}", "true"),
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
    return flow


def _signup(key: str, variant: Variant) -> Workflow:
    flow = Workflow(key, "Signup credit")
    _set_up(
        flow,
        variant,
        "Your app calls the webhook with `user` when somebody signs up, and they get 5.00 to start "
        "with. However often it is called, the credit is given once. For a credit at each renewal, "
        "put the month into the reference.",
    )
    joined = webhook(flow, "New User", (0, 0), answers=False)
    deposit = variant.action(
        flow,
        "Deposit Credits",
        "deposit",
        {
            "user": "={{ $json.body.user }}",
            "amount": "5.00",
            "reference": "=signup-{{ $json.body.user }}",
        },
        (1, 0),
    )
    flow.row(joined, deposit)
    return flow


def _agent(key: str, variant: Variant) -> Workflow:
    flow = Workflow(key, "AI agent that charges for its work")
    _set_up(
        flow,
        variant,
        "The agent decides *whether* to charge; who pays, how much and what for are fixed here, so "
        "that no prompt can change them, and one message is charged once. The user is the chat's "
        "`sessionId`: set it to your user's id where you embed the chat."
        + (
            " The *OpenAI* credential may point at your connector: its address with `/openai/v1`."
            if variant.http
            else " The model's own answers are paid by the same user."
        ),
    )
    chat = flow.add(
        "Chat Message",
        "@n8n/n8n-nodes-langchain.chatTrigger",
        1.1,
        (0, 0),
        {"options": {}},
        webhookId=webhook_id(flow, "Chat Message"),
    )
    agent = flow.add(
        "AI Agent",
        "@n8n/n8n-nodes-langchain.agent",
        2,
        (1, 0),
        {
            "options": {
                "systemMessage": "Before you do what the user asks for, charge them with the tool "
                "once. If it was not successful, answer with its message and its link and do "
                "nothing else."
            }
        },
    )
    user = "={{ $('Chat Message').first().json.sessionId }}"
    model = variant.model(flow, user, (0.8, 1.2))
    charge = variant.action(
        flow,
        "Charge User",
        "charge",
        {
            "user": user,
            "amount": "0.25",
            "reference": "=chat-{{ $workflow.id }}-{{ $execution.id }}",
        },
        (1.6, 1.2),
        on_refusal="continue",
        tool="Charges the user for one task. Takes no values: user and amount are fixed.",
    )
    flow.row(chat, agent)
    flow.link(model, agent, kind="ai_languageModel")
    flow.link(charge, agent, kind="ai_tool")
    return flow


def _respond(flow: Workflow, name: str, body: str, at: tuple[float, float]) -> str:
    return flow.add(
        name,
        "n8n-nodes-base.respondToWebhook",
        1.1,
        at,
        {"respondWith": "json", "responseBody": body, "options": {}},
    )


_RECIPES: dict[str, Callable[[str, Variant], Workflow]] = {
    "gate-before-ai": _gate,
    "low-balance-nudge": _nudge,
    "stripe-deposit": _stripe,
    "signup-credit": _signup,
    "agent-with-charge": _agent,
}
