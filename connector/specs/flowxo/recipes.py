"""Whole flows, task by task.

A filter in FlowXO skips only its own task, and the flow goes on with the next one: so every task
that must not run unpaid has the filter, not only the first. Conditions in one filter must all be
met. In a text, `{{charge.data__action_url}}` stands for a pick: the answer of the task “charge”,
then two underscores and the field.
"""

from __future__ import annotations

from typing import Any

from connector.catalog.outcomes import PENDING, UNKNOWN
from connector.specs.flowxo import feature_recipes, stripe_recipes
from connector.specs.flowxo.tasks import (
    ALLOW,
    FORM,
    LATER,
    LINKS,
    TOP_UP,
    Task,
    charge,
    http,
    outcome_is,
    refused,
    row,
    said,
    yours,
)

NOT_DONE = "That did not work, and you have your money back. Please try again."
SLOW = "This takes longer than I can wait. Asking again is a new question, and is paid for again."
OWED = "That did not work. We will look into what you paid."


def recipes() -> list[dict[str, Any]]:
    """Every recipe; values are examples to test with, `in_a_flow` says what to pick instead."""
    return [
        _form(),
        _gate(),
        _paid_answer(),
        feature_recipes.free_then_paid(),
        feature_recipes.cap_then_cheaper(),
        feature_recipes.tiered_tools(),
        _check_run_charge(),
        _refund_if_failed(),
        _depleted(),
        _credit(
            "signup_credit",
            "Credits at signup",
            "New Message: a person's first message.",
            "",
            "2.00",
            "signup-user_42",
            "Type signup- and pick the person's id: however often the flow runs, it counts once.",
            "Welcome! Your balance is now {{deposit.data__balance_formatted}}.",
        ),
        _credit(
            "renewal_credit",
            "Credits at each renewal",
            "Webhook: your payment tool posts each paid invoice to it.",
            FORM,
            "10.00",
            "renewal-invoice-2001",
            "Type renewal- and pick the invoice's number: each invoice counts once.",
            "Thank you! Your balance is now {{deposit.data__balance_formatted}}.",
        ),
        _refund(),
        stripe_recipes.payment(),
        stripe_recipes.take_back(),
        stripe_recipes.came_back(),
    ]


def _form() -> dict[str, Any]:
    return {
        "key": "charge_per_form",
        "label": "Charge for each form submission",
        "trigger": "Webhook: your form tool posts each entry to it.",
        "tasks": [
            charge("form-contact-entry-501", "Type form-contact- and pick the entry's id."),
            said("thanks", "Thank you, we have your entry.", FORM, outcome_is("charge", "charged")),
            *refused("charge", FORM),
        ],
    }


def _gate() -> dict[str, Any]:
    return {
        "key": "charge_before_answer",
        "label": "Charge refused: send the link (a gate before an answer)",
        "trigger": "New Message: the person asks your bot for something that costs money.",
        "tasks": [
            charge("bot-answer-msg-7001", "Type bot-answer- and pick the message's id."),
            yours("answer", "What the person pays for.", outcome_is("charge", "charged")),
            *refused("charge", ""),
        ],
        "note": "When the person has paid and asks again, that is a new message and a new charge; "
        "the refused one has cost nothing.",
    }


def _paid_answer() -> dict[str, Any]:
    rows = [
        row("user", "user_42", "Pick the person's id."),
        row("model", "gpt-4o-mini", "Type the name of the model."),
        row("prompt", "Write a haiku about rain.", "Pick the person's message."),
        row("system", "Answer in at most 500 characters.", "Say how the bot should talk."),
        row("reference", "ai-message-1001", "ai- and the message's id."),
    ]
    return {
        "key": "paid_ai_answer",
        "label": "An AI answer that each person pays for",
        "trigger": "New Message: the person's question.",
        "tasks": [
            http("chat", "chat", rows),
            http("again", "chat", rows, outcome_is("chat", PENDING)),
            *_told_of_chat("chat", ""),
            *_told_of_chat("again", "_again", outcome_is("chat", PENDING)),
            said("slow", SLOW, "", outcome_is("chat", PENDING), outcome_is("again", PENDING)),
        ],
        "note": "The second task sends exactly the same as the first and only runs if the answer "
        "took longer than FlowXO waits: it goes on waiting, and nothing is paid for twice. For "
        "models that need more than half a minute, repeat it once for each half minute, so that "
        "nobody has to ask again: a new message is a new question.",
    }


def _told_of_chat(name: str, suffix: str, *before: Task) -> list[Task]:
    """What to say for every outcome of a chat but `pending`."""
    link = f"{ALLOW}\n{{{{{name}.data__action_url}}}}"
    return [
        said(
            f"reply{suffix}",
            f"{{{{{name}.data__reply}}}}",
            "",
            *before,
            outcome_is(name, "answered"),
        ),
        said(f"link{suffix}", link, "", *before, outcome_is(name, LINKS)),
        said(f"sorry{suffix}", LATER, "", *before, outcome_is(name, f"{UNKNOWN}, error")),
    ]


def _check_run_charge() -> dict[str, Any]:
    rows = [
        row("user", "user_42", "Pick the person's id."),
        row("minimum", "0.50", "The price."),
    ]
    paid = outcome_is("balance", "sufficient")
    return {
        "key": "check_run_charge",
        "label": "Check, run, then charge",
        "trigger": "New Message: the person asks for something whose result may fail.",
        "tasks": [
            http("balance", "balance", rows),
            yours("work", "Make the result, but do not send it yet.", paid),
            charge(
                "bot-work-msg-7002",
                "Type bot-work- and pick the message's id.",
                paid,
            ),
            yours("result", "Send the result.", paid, outcome_is("charge", "charged")),
            said(
                "top_up",
                f"{TOP_UP}\n{{{{balance.data__action_url}}}}",
                "",
                outcome_is("balance", "insufficient"),
            ),
            *refused("charge", "", paid),
            said("not_checked", LATER, "", outcome_is("balance", "error")),
        ],
        "note": "Where the work can fail, give the charge a filter on the work's own answer as "
        "well, so that nobody pays for nothing. Between check and charge the person can spend the "
        "money elsewhere, so the result waits for the charge. Where the work is dear, charge "
        "first.",
    }


def _depleted() -> dict[str, Any]:
    wait = {"value": "{{nudged.value}}", "is": "is before", "to": "1 day ago", "or_empty": True}
    rows = [row("user", "user_42", "Pick user from the trigger.")]
    return {
        "key": "balance_depleted",
        "label": "Balance depleted: send a top-up link, at most daily per person",
        "trigger": "Webhook, subscribed to balance_depleted.",
        "only_if": [{"value": "{{trigger.user}}", "is": "is not empty", "to": ""}],
        "tasks": [
            {
                "name": "nudged",
                "do": "get_attribute",
                "key": "{{trigger.user}}",
                "attribute": "nudged_at",
                "what": "When this person was last written to.",
            },
            {
                "name": "contact",
                "do": "get_attribute",
                "key": "{{trigger.user}}",
                "attribute": "email",
                "what": "Where to write to; your bot kept it with Set an Attribute, under the "
                "person's id, when they gave it.",
            },
            http("topup_link", "topup_link", rows, wait),
            said(
                "mail",
                f"{TOP_UP}\n{{{{topup_link.data__action_url}}}}",
                "{{contact.value}}",
                wait,
                outcome_is("topup_link", "ready"),
            ),
            {
                "name": "remember",
                "do": "set_attribute",
                "key": "{{trigger.user}}",
                "attribute": "nudged_at",
                "set_to": "{{trigger.created_at}}",
                "only_if": [wait, outcome_is("topup_link", "ready")],
            },
        ],
        "note": "For a chat message instead of a mail, keep the person's Response Path as the "
        "attribute, and send to that. Some channels refuse messages to people who have not "
        "written for a day.",
    }


def _credit(
    key: str,
    label: str,
    trigger: str,
    to: str,
    amount: str,
    reference: str,
    pick: str,
    text: str,
) -> dict[str, Any]:
    rows = [
        row("user", "user_42", "Pick the person's id."),
        row("amount", amount, "How much to give."),
        row("reference", reference, pick),
    ]
    new = {"value": "{{deposit.data__duplicate}}", "is": "equals", "to": "false"}
    return {
        "key": key,
        "label": label,
        "trigger": trigger,
        "tasks": [
            http("deposit", "deposit", rows),
            said("told", text, to, outcome_is("deposit", "deposited"), new),
        ],
        "note": "Works where you credit balances yourself (Default mode). Elsewhere the outcome "
        "is not_supported, and nothing is given.",
    }


def _refund() -> dict[str, Any]:
    rows = [row("reference", "form-contact-entry-501", "The reference that you charged.")]
    new = {"value": "{{refund.data__duplicate}}", "is": "equals", "to": "false"}
    return {
        "key": "refund",
        "label": "Refund what was charged",
        "trigger": "Webhook: your shop posts each cancelled order to it.",
        "tasks": [
            http("refund", "refund", rows),
            said(
                "told",
                "{{refund.data__amount}} is on your balance again.",
                FORM,
                outcome_is("refund", "refunded"),
                new,
            ),
        ],
        "note": "Gives all of it back, once, however often the flow runs; a part with amount and "
        "refund_reference. In Shared mode the outcome is not_supported, and nothing is given.",
    }


def _refund_if_failed() -> dict[str, Any]:
    worked = {"value": "{{work.result}}", "is": "is not empty", "to": ""}
    failed = {"value": "{{work.result}}", "is": "is empty", "to": ""}
    paid = outcome_is("charge", "charged")
    rows = [row("reference", "bot-job-msg-7003", "The same as in the charge.")]
    return {
        "key": "refund_if_failed",
        "label": "Refund when the work failed",
        "trigger": "New Message: the person asks for something whose result may fail.",
        "tasks": [
            charge("bot-job-msg-7003", "Type bot-job- and pick the message's id."),
            yours("work", "What the person pays for, such as a call of a service.", paid),
            yours("result", "Send the result.", paid, worked),
            http("refund", "refund", rows, paid, failed),
            said("sorry", NOT_DONE, "", outcome_is("refund", "refunded, nothing_to_refund")),
            said("owed", OWED, "", outcome_is("refund", "not_supported, unknown, error")),
            *refused("charge", ""),
        ],
        "note": "Take as “the work has failed” whatever your task shows then: here its result is "
        "empty. It must go on with the flow when it fails, or the refund is never reached. In "
        "Shared mode money cannot be given back: check, run, then charge instead.",
    }
