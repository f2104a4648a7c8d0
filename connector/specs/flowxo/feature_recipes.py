"""The recipes around Use Feature: free first, a cap, a price for each tool."""

from __future__ import annotations

from typing import Any

from connector.catalog.outcomes import CAP_REACHED, QUOTA_REACHED
from connector.specs.flowxo.tasks import (
    ALLOW,
    LATER,
    LINKS,
    Task,
    condition,
    http,
    outcome_is,
    row,
    said,
    yours,
)

_ALLOWED = "charged, free"
_LIMITS = f"{CAP_REACHED}, {QUOTA_REACHED}"
_OTHERS = "declined, refunded, unknown"


def free_then_paid() -> dict[str, Any]:
    """Three free answers a day, then 0.25 for each."""
    return {
        "key": "free_then_paid",
        "label": "Three free a day, then 0.25",
        "trigger": "New Message: the person asks your bot for something.",
        "tasks": [
            _use("use", "answer", "answer-msg-7010", "answer-"),
            yours("answer", "What is free at first.", outcome_is("use", _ALLOWED)),
            *_not_allowed("use", f"{_LIMITS}, {_OTHERS}"),
        ],
        "note": "Set the rule once, as the guide to features says: feature answer with "
        "free_per_day 3 and price 0.25.",
    }


def cap_then_cheaper() -> dict[str, Any]:
    """The better variant until a person's cap of the day is reached, then the cheaper one."""
    limit = outcome_is("best", _LIMITS)
    return {
        "key": "cap_then_cheaper",
        "label": "A cap per person and day, then something cheaper",
        "trigger": "New Message: the person's question.",
        "tasks": [
            _use("best", "best-answer", "best-answer-msg-7011", "best-answer-"),
            yours("best_answer", "Answer with the better model.", outcome_is("best", _ALLOWED)),
            _use("small", "small-answer", "small-answer-msg-7011", "small-answer-", limit),
            yours("small_answer", "Answer with the cheaper one.", outcome_is("small", _ALLOWED)),
            *_not_allowed("best", _OTHERS),
            *_not_allowed("small", f"{_LIMITS}, {_OTHERS}", "small_"),
        ],
        "note": "Set both rules once, as the guide to features says: feature best-answer with "
        "price 0.25 and cap_per_user_day 2.50, feature small-answer with price 0.02. The two steps "
        "need two references. A task that was skipped has no outcome, so its filters do not fit.",
    }


def tiered_tools() -> dict[str, Any]:
    """Two tools with a price each."""
    search, report = (condition("{{trigger.tool}}", "equals", tool) for tool in _TOOLS)
    return {
        "key": "tiered_tools",
        "label": "Tools with different prices",
        "trigger": "Webhook: your app posts user, tool, message and email to it.",
        "only_if": [condition("{{trigger.tool}}", "equals one of", ", ".join(_TOOLS))],
        "tasks": [
            _use("search", "tool-search", "search-msg-7012", "search-", search),
            yours("found", "Search.", outcome_is("search", _ALLOWED)),
            _use("report", "tool-report", "report-msg-7012", "report-", report),
            yours("reported", "Write the report.", outcome_is("report", _ALLOWED)),
            *_not_allowed("search", f"{_LIMITS}, {_OTHERS}", "search_", _MAIL),
            *_not_allowed("report", f"{_LIMITS}, {_OTHERS}", "report_", _MAIL),
        ],
        "note": "Set the rules once, as the guide to features says: feature tool-search with price "
        "0.02, feature tool-report with price 0.50. The flow chooses the feature by the tool, so "
        "whoever calls names a tool and never a price. One more tool is one more pair of tasks.",
    }


_TOOLS = ("search", "report")
_MAIL = "{{trigger.email}}"


def _use(name: str, feature: str, reference: str, prefix: str, *only_if: Task) -> Task:
    rows = [
        row("user", "user_42", "Pick the person's id."),
        row("feature", feature, "Leave it as it is."),
        row("reference", reference, f"Type {prefix} and pick the message's id."),
    ]
    return http(name, "use", rows, *only_if)


def _not_allowed(name: str, told: str, prefix: str = "", to: str = "") -> list[Task]:
    """What to say for every outcome that is not paid or free; `told` are explained by Message."""
    link = f"{ALLOW}\n{{{{{name}.data__action_url}}}}"
    why = f"{{{{{name}.data__message}}}}"
    return [
        said(f"{prefix}link", link, to, outcome_is(name, LINKS)),
        said(f"{prefix}refused", why, to, outcome_is(name, told)),
        said(f"{prefix}sorry", LATER, to, outcome_is(name, "error")),
    ]
