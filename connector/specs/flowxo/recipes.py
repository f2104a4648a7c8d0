"""Whole flows, task by task.

A filter in FlowXO skips only its own task, and the flow goes on with the next one: so every task
that must not run unpaid has the filter, not only the first. Conditions in one filter must all be
met. In a text, `{{charge.data__action_url}}` stands for a pick: the answer of the task “charge”,
then two underscores and the field.
"""

from __future__ import annotations

from typing import Any

from connector.catalog.outcomes import AUTHORIZATION_REQUIRED, PENDING, TOPUP_REQUIRED, UNKNOWN

Task = dict[str, Any]

TOP_UP = "Please top up your balance first:"
ALLOW = "Please allow charges or top up your balance first:"
FORM = "{{trigger.email}}"
"""Whom to write to in a flow that no chat has started; "" stands for the chat."""
LATER = "That did not work just now. Please try again later."
SLOW = "This takes longer than usual. Please ask once more in a minute."
_LINKS = f"{AUTHORIZATION_REQUIRED}, {TOPUP_REQUIRED}"


def recipes() -> list[dict[str, Any]]:
    """Every recipe; values are examples to test with, `in_a_flow` says what to pick instead."""
    return [
        _form(),
        _gate(),
        _paid_answer(),
        _check_run_charge(),
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
    ]


def _form() -> dict[str, Any]:
    return {
        "key": "charge_per_form",
        "label": "Charge for each form submission",
        "trigger": "Webhook: your form tool posts each entry to it.",
        "tasks": [
            _charge("form-contact-entry-501", "Type form-contact- and pick the entry's id."),
            _said("thanks", "Thank you, we have your entry.", FORM, _is("charge", "charged")),
            *_refused("charge", FORM),
        ],
    }


def _gate() -> dict[str, Any]:
    return {
        "key": "charge_before_answer",
        "label": "Charge refused: send the link (a gate before an answer)",
        "trigger": "New Message: the person asks your bot for something that costs money.",
        "tasks": [
            _charge("bot-answer-msg-7001", "Type bot-answer- and pick the message's id."),
            _yours("answer", "What the person pays for.", _is("charge", "charged")),
            *_refused("charge", ""),
        ],
        "note": "When the person has paid and asks again, that is a new message and a new charge; "
        "the refused one has cost nothing.",
    }


def _paid_answer() -> dict[str, Any]:
    rows = [
        _row("user", "user_42", "Pick the person's id."),
        _row("model", "gpt-4o-mini", "Type the name of the model."),
        _row("prompt", "Write a haiku about rain.", "Pick the person's message."),
        _row("system", "Answer in at most 500 characters.", "Say how the bot should talk."),
        _row("reference", "ai-message-1001", "ai- and the message's id."),
    ]
    return {
        "key": "paid_ai_answer",
        "label": "An AI answer that each person pays for",
        "trigger": "New Message: the person's question.",
        "tasks": [
            _http("chat", "chat", rows),
            _http("again", "chat", rows, _is("chat", PENDING)),
            *_told_of_chat("chat", ""),
            *_told_of_chat("again", "_again", _is("chat", PENDING)),
            _said("slow", SLOW, "", _is("chat", PENDING), _is("again", PENDING)),
        ],
        "note": "The second task sends exactly the same as the first and only runs if the answer "
        "took longer than FlowXO waits: it goes on waiting, and nothing is paid for twice. For "
        "models that need more than half a minute, repeat it once more.",
    }


def _told_of_chat(name: str, suffix: str, *before: Task) -> list[Task]:
    """What to say for every outcome of a chat but `pending`."""
    link = f"{ALLOW}\n{{{{{name}.data__action_url}}}}"
    return [
        _said(f"reply{suffix}", f"{{{{{name}.data__reply}}}}", "", *before, _is(name, "answered")),
        _said(f"link{suffix}", link, "", *before, _is(name, _LINKS)),
        _said(f"sorry{suffix}", LATER, "", *before, _is(name, f"{UNKNOWN}, error")),
    ]


def _check_run_charge() -> dict[str, Any]:
    rows = [
        _row("user", "user_42", "Pick the person's id."),
        _row("minimum", "0.50", "The price."),
    ]
    paid = _is("balance", "sufficient")
    return {
        "key": "check_run_charge",
        "label": "Check, run, then charge",
        "trigger": "New Message: the person asks for something whose result may fail.",
        "tasks": [
            _http("balance", "balance", rows),
            _yours("work", "Make the result, but do not send it yet.", paid),
            _charge(
                "bot-work-msg-7002",
                "Type bot-work- and pick the message's id.",
                paid,
            ),
            _yours("result", "Send the result.", paid, _is("charge", "charged")),
            _said(
                "top_up",
                f"{TOP_UP}\n{{{{balance.data__action_url}}}}",
                "",
                _is("balance", "insufficient"),
            ),
            *_refused("charge", "", paid),
            _said("not_checked", LATER, "", _is("balance", "error")),
        ],
        "note": "Where the work can fail, give the charge a filter on the work's own answer as "
        "well, so that nobody pays for nothing. Between check and charge the person can spend the "
        "money elsewhere, so the result waits for the charge. Where the work is dear, charge "
        "first.",
    }


def _depleted() -> dict[str, Any]:
    wait = {"value": "{{nudged.value}}", "is": "is before", "to": "1 day ago", "or_empty": True}
    rows = [_row("user", "user_42", "Pick user from the trigger.")]
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
            _http("topup_link", "topup_link", rows, wait),
            _said(
                "mail",
                f"{TOP_UP}\n{{{{topup_link.data__action_url}}}}",
                "{{contact.value}}",
                wait,
                _is("topup_link", "ready"),
            ),
            {
                "name": "remember",
                "do": "set_attribute",
                "key": "{{trigger.user}}",
                "attribute": "nudged_at",
                "set_to": "{{trigger.created_at}}",
                "only_if": [wait, _is("topup_link", "ready")],
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
        _row("user", "user_42", "Pick the person's id."),
        _row("amount", amount, "How much to give."),
        _row("reference", reference, pick),
    ]
    new = {"value": "{{deposit.data__duplicate}}", "is": "equals", "to": "false"}
    return {
        "key": key,
        "label": label,
        "trigger": trigger,
        "tasks": [
            _http("deposit", "deposit", rows),
            _said("told", text, to, _is("deposit", "deposited"), new),
        ],
        "note": "Works where you credit balances yourself (Default mode). Elsewhere the outcome "
        "is not_supported, and nothing is given.",
    }


def _refund() -> dict[str, Any]:
    rows = [_row("reference", "form-contact-entry-501", "The reference that you charged.")]
    new = {"value": "{{refund.data__duplicate}}", "is": "equals", "to": "false"}
    return {
        "key": "refund",
        "label": "Refund what was charged",
        "trigger": "Webhook: your shop posts each cancelled order to it.",
        "tasks": [
            _http("refund", "refund", rows),
            _said(
                "told",
                "{{refund.data__amount}} is on your balance again.",
                FORM,
                _is("refund", "refunded"),
                new,
            ),
        ],
        "note": "Gives all of it back, once, however often the flow runs; a part with amount and "
        "refund_reference. In Shared mode the outcome is not_supported, and nothing is given.",
    }


def _charge(reference: str, pick: str, *only_if: Task) -> Task:
    rows = [
        _row("user", "user_42", "Pick the person's id."),
        _row("amount", "0.50", "The price."),
        _row("reference", reference, pick),
    ]
    return _http("charge", "charge", rows, *only_if)


def _refused(name: str, to: str, *before: Task) -> list[Task]:
    """What to say for every outcome of a charge but `charged`."""
    link = f"{ALLOW}\n{{{{{name}.data__action_url}}}}"
    why = f"{{{{{name}.data__message}}}}"
    return [
        _said("link", link, to, *before, _is(name, _LINKS)),
        _said("refused", why, to, *before, _is(name, "declined, refunded, unknown")),
        _said("sorry", LATER, to, *before, _is(name, "error")),
    ]


def _http(name: str, step: str, rows: list[Task], *only_if: Task) -> Task:
    soft = _row("errors", "soft", "Leave it as it is.")
    task = {"name": name, "do": "http", "step": step, "rows": [*rows, soft]}
    return task | {"only_if": list(only_if)} if only_if else task


def _said(name: str, text: str, to: str, *only_if: Task) -> Task:
    """A mail to an address, or a message in the chat where there is none."""
    how = {"do": "mail", "to": to} if to else {"do": "message"}
    return {"name": name, **how, "text": text, "only_if": list(only_if)}


def _yours(name: str, what: str, *only_if: Task) -> Task:
    return {"name": name, "do": "your_task", "what": what, "only_if": list(only_if)}


def _row(name: str, value: str, in_a_flow: str) -> Task:
    return {"name": name, "value": value, "in_a_flow": in_a_flow}


def _is(task: str, outcomes: str) -> Task:
    how = "equals one of" if "," in outcomes else "equals"
    return {"value": f"{{{{{task}.data__outcome}}}}", "is": how, "to": outcomes}
