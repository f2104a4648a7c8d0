"""The one-off step that sends events to a FlowXO webhook trigger.

FlowXO knows only the fields of the first request that its trigger ever got, so the sample that
`test` sends has every field filled.
"""

from __future__ import annotations

from typing import Any

from connector.specs.flowxo.steps import request
from connector.triggers.definitions import TRIGGERS, Trigger

HOOK_ADDRESS = "https://flowxo.com/hooks/YOUR-HOOK"
"""Stands where the address that FlowXO shows belongs."""
FIRST_CHOICE = "balance_depleted"

_ROWS: tuple[dict[str, Any], ...] = (
    {
        "name": "target_url",
        "value": HOOK_ADDRESS,
        "required": True,
        "what": "Target URL: The address that FlowXO shows for your webhook trigger.",
    },
    {
        "name": "trigger",
        "value": FIRST_CHOICE,
        "required": True,
        "what": "Trigger: Which event starts your flow, one key from the list of triggers.",
    },
    {
        "name": "test",
        "value": "true",
        "required": True,
        "what": "Test: Sends a sample at once, so that FlowXO learns the fields.",
    },
    {
        "name": "user",
        "value": "user_42",
        "required": False,
        "what": "User: Only events of this person. Usually left out.",
    },
)


def subscribe(address: str) -> dict[str, Any]:
    """The request, once per trigger, and the triggers there are."""
    rows = [dict(row) for row in _ROWS]
    return {
        "label": "Send events to a FlowXO webhook trigger",
        "what": "Do this once per webhook trigger, while FlowXO waits for its test. Sending it "
        "again does no harm: it sends the sample again.",
        "method": "POST",
        "address": f"{address}/v1/hooks",
        "rows": rows,
        **request(rows),
        "triggers": [_trigger(trigger) for trigger in TRIGGERS.values()],
    }


def _trigger(trigger: Trigger) -> dict[str, Any]:
    return {
        "key": trigger.key,
        "label": trigger.label,
        "what": trigger.description,
        "sample": trigger.sample,
    }
