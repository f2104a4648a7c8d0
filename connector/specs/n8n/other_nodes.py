"""The descriptions of the trigger nodes, the chat model and the codex files."""

from __future__ import annotations

from typing import Any

from connector import actions as actions_folder
from connector.catalog.actions import by_key
from connector.catalog.events import ANY_EVENT
from connector.catalog.fields import Words, user_id
from connector.specs.n8n.action_node import CREDENTIALS
from connector.specs.n8n.fields import model, optional, parameter
from connector.specs.n8n.words import description as described
from connector.specs.n8n.words import subtitle
from connector.triggers.definitions import TRIGGERS

Json = dict[str, Any]

_CHAT_OPTIONS = ("max_tokens", "temperature")

CHAT_MODEL_PLACE = {
    "AI": ["Language Models", "Root Nodes"],
    "Language Models": ["Chat Models (Recommended)"],
}
"""Where n8n's panel shows models that people attach to a chain or an agent."""
_ALIASES = ("paywall", "billing", "payment", "charge", "credits", "balance", "top up", "monetize")
"""What somebody types who does not know our name."""


def trigger() -> Json:
    """The node that the connector calls when something happens."""
    return {
        "displayName": "Paywalls Trigger",
        "name": "paywallsTrigger",
        "group": ["trigger"],
        "version": 1,
        "description": "Starts the workflow as soon as something happens in your paywall",
        "defaults": {"name": "Paywalls Trigger"},
        "subtitle": _event_subtitle(),
        "credentials": CREDENTIALS,
        "webhooks": [
            {
                "name": "default",
                "httpMethod": "POST",
                "responseMode": "onReceived",
                "path": "webhook",
            }
        ],
        "properties": [
            *_which_events(),
            {
                "displayName": "Test With Sample",
                "name": "sample",
                "type": "boolean",
                "default": True,
                "description": "Whether a made-up event is sent right away when you test this "
                "step, instead of waiting for a real one",
            },
        ],
    }


def polling_trigger() -> Json:
    """The node that asks the connector itself, for an n8n that cannot be called."""
    return {
        "displayName": "Paywalls Polling Trigger",
        "name": "paywallsPollingTrigger",
        "group": ["trigger"],
        "version": 1,
        "description": "Asks every few minutes what happened in your paywall, for an n8n that the "
        "connector cannot reach",
        "defaults": {"name": "Paywalls Polling Trigger"},
        "subtitle": _event_subtitle(),
        "credentials": CREDENTIALS,
        "polling": True,
        "properties": _which_events(),
    }


def chat_model() -> Json:
    """The model for n8n's AI nodes whose answers the user pays for."""
    chat = _chat_fields()
    options = [optional(name, chat[name]) for name in _CHAT_OPTIONS]
    user = parameter("user", chat["user"])
    for option in (user, *options):
        del option["routing"]
    user["hint"] = (
        "One person for a run: n8n asks for the model once, whatever the number of items. "
        "With items of several people use Loop Over Items with a batch size of 1, or Send Chat "
        "Message."
    )
    return {
        "displayName": "Paywalls Chat Model",
        "name": "paywallsChatModel",
        "group": ["transform"],
        "version": 1,
        "description": "An AI model for chains and agents whose answers your user pays for",
        "defaults": {"name": "Paywalls Chat Model"},
        "codex": {
            "categories": ["AI"],
            "subcategories": CHAT_MODEL_PLACE,
            "resources": {"primaryDocumentation": []},
        },
        "outputNames": ["Model"],
        "credentials": CREDENTIALS,
        "properties": [
            user,
            model(chat["model"]),
            {
                "displayName": "Options",
                "name": "options",
                "type": "collection",
                "placeholder": "Add Option",
                "default": {},
                "options": options,
            },
        ],
    }


def codex(node: str, category: str, guide: str, subcategories: Json | None = None) -> Json:
    """Where a node stands in n8n's panel, which words find it beside its name, and its `guide`.

    n8n's editor shows nothing of a node in the category AI without a subcategory of AI, so that is
    refused here with a ValueError. As a tool of an agent n8n files a node by itself.
    Source: https://docs.n8n.io/integrations/creating-nodes/build/reference/node-codex-files/
    """
    if category == "AI" and not (subcategories or {}).get("AI"):
        raise ValueError(f"n8n would hide {node}: the category AI needs a subcategory of AI")
    documentation = [{"url": guide}]
    return {
        "node": f"n8n-nodes-paywalls.{node}",
        "nodeVersion": "1.0",
        "codexVersion": "1.0",
        "categories": [category],
        **({"subcategories": subcategories} if subcategories else {}),
        "alias": list(_ALIASES),
        "resources": {
            "primaryDocumentation": documentation,
            "credentialDocumentation": documentation,
        },
    }


def _which_events() -> list[Json]:
    rows = [
        {"name": t.label, "value": t.key, "description": described(t.description)}
        for t in TRIGGERS.values()
    ]
    user = parameter("user", user_id())
    del user["required"], user["routing"]
    return [
        {
            "displayName": "Event",
            "name": "event",
            "type": "options",
            "noDataExpression": True,
            "required": True,
            "default": ANY_EVENT,
            "description": "What starts the workflow",
            "options": rows,
        },
        {**user, "description": "Only events of this person. Leave it empty for everybody."},
    ]


def _event_subtitle() -> str:
    return subtitle("event", {t.key: t.label for t in TRIGGERS.values()})


def _chat_fields() -> dict[str, Words]:
    actions_folder.load()
    chat = by_key("chat")
    assert chat is not None  # noqa: S101 -- an action of our own
    return chat.words()
