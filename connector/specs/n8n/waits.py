"""How long our node waits for the answer of a chat, and where a run goes on that is told later."""

from __future__ import annotations

from typing import Any

from connector import actions as actions_folder
from connector.catalog.actions import Action, actions
from connector.catalog.outcomes import PENDING
from connector.specs.n8n.fields import COLLECTION, parameter

Json = dict[str, Any]

PER_CALL = "wait_per_call"
SECONDS_PER_CALL = 90
"""Many proxies cut a call that says nothing for 100."""
MINUTES = 10
RESUME_URL = "={{ $execution.resumeUrl }}"
"""Where a Wait node of this run is called.

Source: https://docs.n8n.io/integrations/builtin/core-nodes/n8n-nodes-base.wait/
"""
_LABEL = "Give Up After (Minutes)"
_NAME = "give_up_after"


def told() -> Json:
    """What the code of the node is told. It waits for what is asked at most once; its field is not
    sent and seen by nobody."""
    actions_folder.load()
    operations = [action.key for action in actions() if action.at_most_once]
    return {
        "pending": PENDING,
        "field": {
            "displayName": "Wait per Call (Seconds)",
            "name": PER_CALL,
            "type": "hidden",
            "default": SECONDS_PER_CALL,
            "displayOptions": {"show": {"operation": operations}},
        },
        "giveUpAfter": {
            "path": f"{COLLECTION}.{_NAME}",
            "label": _LABEL,
            "minutes": MINUTES,
        },
    }


def give_up_after() -> Json:
    """Not sent: the node itself asks again until then."""
    return {
        "displayName": _LABEL,
        "name": _NAME,
        "type": "number",
        "typeOptions": {"minValue": 1},
        "default": MINUTES,
        "description": "With a reference: how long to wait for an answer that takes long. "
        f"{MINUTES} minutes if this field is not added. After that the step stops; the answer may "
        "still come, and the same reference gets it.",
    }


def callback_url(action: Action) -> Json:
    """The address for an answer that comes later; with it the node does not wait."""
    described = parameter("callback_url", action.words()["callback_url"])
    return described | {
        "default": RESUME_URL,
        "description": "With a reference: the answer is sent here when it is there, and this step "
        "does not wait. What is filled in has a Wait node behind it go on (Resume: On Webhook "
        "Call, HTTP Method: POST).",
    }
