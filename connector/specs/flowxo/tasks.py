"""The tasks and filters that recipes are put together from."""

from __future__ import annotations

from typing import Any

from connector.catalog.outcomes import AUTHORIZATION_REQUIRED, TOPUP_REQUIRED

Task = dict[str, Any]

TOP_UP = "Please top up your balance first:"
ALLOW = "Please allow charges or top up your balance first:"
FORM = "{{trigger.email}}"
"""Whom to write to in a flow that no chat has started; "" stands for the chat."""
LATER = "That did not work just now. Please try again later."
LINKS = f"{AUTHORIZATION_REQUIRED}, {TOPUP_REQUIRED}"


def charge(reference: str, pick: str, *only_if: Task) -> Task:
    """Charge User at the price of the examples."""
    rows = [
        row("user", "user_42", "Pick the person's id."),
        row("amount", "0.50", "The price."),
        row("reference", reference, pick),
    ]
    return http("charge", "charge", rows, *only_if)


def refused(name: str, to: str, *before: Task) -> list[Task]:
    """What to say for every outcome of a charge but `charged`."""
    link = f"{ALLOW}\n{{{{{name}.data__action_url}}}}"
    why = f"{{{{{name}.data__message}}}}"
    return [
        said("link", link, to, *before, outcome_is(name, LINKS)),
        said("refused", why, to, *before, outcome_is(name, "declined, refunded, unknown")),
        said("sorry", LATER, to, *before, outcome_is(name, "error")),
    ]


def http(name: str, step: str, rows: list[Task], *only_if: Task) -> Task:
    """A step of an action, which comes as a normal answer whatever happens."""
    soft = row("errors", "soft", "Leave it as it is.")
    task = {"name": name, "do": "http", "step": step, "rows": [*rows, soft]}
    return task | {"only_if": list(only_if)} if only_if else task


def said(name: str, text: str, to: str, *only_if: Task) -> Task:
    """A mail to an address, or a message in the chat where there is none."""
    how = {"do": "mail", "to": to} if to else {"do": "message"}
    return {"name": name, **how, "text": text, "only_if": list(only_if)}


def yours(name: str, what: str, *only_if: Task) -> Task:
    """The builder's own work."""
    return {"name": name, "do": "your_task", "what": what, "only_if": list(only_if)}


def row(name: str, value: str, in_a_flow: str) -> Task:
    """A row of data: a value to test with, and what to pick instead."""
    return {"name": name, "value": value, "in_a_flow": in_a_flow}


def outcome_is(task: str, outcomes: str) -> Task:
    """The condition that a task had one of these outcomes, separated by commas."""
    how = "equals one of" if "," in outcomes else "equals"
    return {"value": f"{{{{{task}.data__outcome}}}}", "is": how, "to": outcomes}


def code(name: str, inputs: list[Task], script: str, what: str) -> Task:
    """A few lines of JavaScript; later tasks pick what they give to `resolve`.

    Source: https://support.flowxo.com/article/145-code
    """
    return {"name": name, "do": "code", "inputs": inputs, "script": script, "what": what}


def condition(value: str, is_: str, to: str = "") -> Task:
    """One condition of a filter, on a value that is picked."""
    return {"value": value, "is": is_, "to": to}
