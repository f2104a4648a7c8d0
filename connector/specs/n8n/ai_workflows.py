"""The ready-made workflows with an AI step in them."""

from __future__ import annotations

from connector.specs.n8n.workflow_actions import GUARDED, Variant, set_up
from connector.specs.n8n.workflow_parts import (
    Workflow,
    branch,
    chain,
    named,
    openai_model,
    respond,
    webhook,
    webhook_id,
)

QUESTION = "={{ $('Question').item.json.body.message }}"
ANSWER = "={{ { answer: $json.text } }}"
LINK = "={{ { answer: $json.message, link: $json.action_url } }}"
"""What a caller gets: what was paid for, or a sentence that says what to do first."""


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
    paid = branch(flow, "Paid?", (2, 0), "={{ $json.success }}")
    asked_model = chain(flow, "AI Step", QUESTION, (3, -0.5), openai_model(flow, (3, 0.4)))
    answer = respond(flow, "Answer", ANSWER, (4.5, -0.5))
    link = respond(flow, "Send the Link", LINK, (3, 1.2))
    flow.row(asked, charge, paid)
    flow.link(paid, asked_model)
    flow.link(paid, link, output=1)
    flow.link(asked_model, answer)
    return flow


def refund_if_failed(key: str, variant: Variant) -> Workflow:
    """Charges before an AI step, and gives the money back when the step fails."""
    flow = Workflow(key, "Refund when the work failed")
    set_up(
        flow,
        variant,
        "A question comes in by webhook as `user`, `message` and `message_id`. The user pays 0.25 "
        "first; if the AI step then fails, they get it back, once. Put your own work where the AI "
        "step is, and keep its *On Error* at *Continue (using error output)*. The same message "
        "again is neither charged nor answered: ask with a new `message_id`. (Default mode only: "
        "elsewhere money cannot be given back.)" + GUARDED,
    )
    asked = webhook(flow, "Question", (0, 0), answers=True)
    reference = named("work-", "$('Question').item.json.body.message_id")
    charge = variant.action(
        flow,
        "Charge User",
        "charge",
        {"user": "={{ $json.body.user }}", "amount": "0.25", "reference": reference},
        (1, 0),
        on_refusal="continue",
    )
    paid = branch(flow, "Paid?", (2, 0), "={{ $json.success }}")
    model = openai_model(flow, (3, 0.4))
    work = chain(flow, "AI Step", QUESTION, (3, -0.5), model, onError="continueErrorOutput")
    answer = respond(flow, "Answer", ANSWER, (4.5, -0.8))
    refund = variant.action(flow, "Refund Charge", "refund", {"reference": reference}, (4.5, 0.2))
    sorry = respond(
        flow,
        "Say Sorry",
        "={{ { answer: 'That did not work. ' + ($json.outcome === 'unknown' "
        "|| $json.outcome === 'not_supported' ? 'We will look into what you paid.' "
        ": 'It has cost you nothing.') } }}",
        (5.5, 0.2),
    )
    link = respond(flow, "Send the Link", LINK, (3, 1.2))
    flow.row(asked, charge, paid, work, answer)
    flow.link(paid, link, output=1)
    flow.link(work, refund, output=1)
    flow.row(refund, sorry)
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
