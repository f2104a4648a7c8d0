"""The ready-made workflows with an AI step in them."""

from __future__ import annotations

from connector.specs.n8n.workflow_parts import (
    GUARDED,
    Variant,
    Workflow,
    condition,
    named,
    openai_model,
    set_up,
    webhook,
    webhook_id,
)


def gate(key: str, variant: Variant) -> Workflow:
    """Charges before an AI step; who cannot pay gets the link instead of an answer."""
    flow = Workflow(key, "Charge before an AI step")
    set_up(
        flow,
        variant,
        "A question comes in by webhook as `user`, `message` and `message_id`. The user pays 0.05 "
        "first; who cannot pay gets the link instead of an answer. Put your own AI step where the "
        "chain is." + GUARDED,
    )
    asked = webhook(flow, "Question", (0, 0), answers=True)
    charge = variant.action(
        flow,
        "Charge User",
        "charge",
        {
            "user": "={{ $json.body.user }}",
            "amount": "0.05",
            "reference": named("question-", "$json.body.message_id"),
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


def agent(key: str, variant: Variant) -> Workflow:
    """An agent with the charge as a tool whose values the model cannot fill in."""
    flow = Workflow(key, "AI agent that charges for its work")
    set_up(
        flow,
        variant,
        "The agent decides *whether* to charge; who pays, how much and what for are fixed here, so "
        "that no prompt can change them, and one message is charged once. The user is the chat's "
        "`sessionId`: set it to your user's id where you embed the chat."
        + (
            " To have the model's answers paid too, set the *OpenAI* credential's address to "
            f"`{variant.address}/openai/v1/<user>`, with the id of the one user who pays for all "
            "of them, and its key to your paywall's."
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
    helper = flow.add(
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
    flow.row(chat, helper)
    flow.link(model, helper, kind="ai_languageModel")
    flow.link(charge, helper, kind="ai_tool")
    return flow


def _respond(flow: Workflow, name: str, body: str, at: tuple[float, float]) -> str:
    return flow.add(
        name,
        "n8n-nodes-base.respondToWebhook",
        1.1,
        at,
        {"respondWith": "json", "responseBody": body, "options": {}},
    )
