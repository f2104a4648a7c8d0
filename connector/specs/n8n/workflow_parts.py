"""What workflows are put together from: n8n's own nodes, and the lines between them.

Source of the nodes' parameters: what n8n's own editor exports.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil
from typing import Any
from uuid import NAMESPACE_URL, uuid5

Json = dict[str, Any]

_CREDENTIAL_NAMES = {
    "paywallsApi": "Paywalls account",
    "httpHeaderAuth": "Header Auth account",
    "openAiApi": "OpenAi account",
    "smtp": "SMTP account",
    "stripeApi": "Stripe account",
}
"""n8n's own names for new credentials: a workflow that is imported finds the one of that name."""
WEBHOOK_SECRET = "Webhook secret"  # noqa: S105 -- a name
"""The credential that guards the webhooks; its own name keeps it apart from the connector's key."""
_COLUMN, _ROW = 220, 200
_NOTE_HEIGHT, _NOTE_LETTERS, _NOTE_LINE = 220, 72, 20
"""How high a note is at least, how many letters a line of it holds, and how high a line is."""


@dataclass
class Workflow:
    """A workflow that grows: `add` places a node, `link` draws a line between two."""

    key: str
    name: str
    nodes: list[Json] = field(default_factory=list)
    connections: dict[str, Json] = field(default_factory=dict)

    def add(
        self,
        name: str,
        type: str,
        version: float,
        at: tuple[float, float],
        parameters: Json,
        *credentials: str,
        **more: object,
    ) -> str:
        """Place a node at (column, row); gives its name."""
        node: Json = {
            "id": str(uuid5(NAMESPACE_URL, f"{self.key}/{name}")),
            "name": name,
            "type": type,
            "typeVersion": version,
            "position": [int(at[0] * _COLUMN), int(at[1] * _ROW)],
            "parameters": parameters,
            **more,
        }
        if credentials:
            node["credentials"] = {
                kind: {"id": None, "name": _CREDENTIAL_NAMES[kind]} for kind in credentials
            }
        self.nodes.append(node)
        return name

    def link(self, source: str, target: str, *, output: int = 0, kind: str = "main") -> None:
        """Draw a line from an output of one node to another."""
        outputs: list[list[Json]] = self.connections.setdefault(source, {}).setdefault(kind, [])
        while len(outputs) <= output:
            outputs.append([])
        outputs[output].append({"node": target, "type": kind, "index": 0})

    def row(self, *names: str) -> None:
        """Draw lines from each node to the next."""
        for source, target in pairwise(names):
            self.link(source, target)

    def note(self, text: str) -> None:
        """What to set up, on a note above the nodes that is as high as the text."""
        height = max(_NOTE_HEIGHT, _height(text))
        above = -(height / _ROW + 0.5)
        size = {"height": height, "width": 620}
        self.add("Set-Up", "n8n-nodes-base.stickyNote", 1, (0, above), {"content": text, **size})

    def text(self) -> str:
        """The workflow as n8n imports it."""
        workflow = {
            "name": self.name,
            "nodes": self.nodes,
            "connections": self.connections,
            "settings": {"executionOrder": "v1"},
        }
        return json.dumps(workflow, indent=2, ensure_ascii=False) + "\n"


def _height(text: str) -> int:
    """Pixels that a text takes up on a note, its heading included."""
    lines = sum(ceil(len(line) / _NOTE_LETTERS) for line in text.split("\n"))
    return 60 + lines * _NOTE_LINE


def openai_model(
    workflow: Workflow,
    at: tuple[float, float],
    *,
    name: str = "OpenAI Chat Model",
    model: str = "gpt-4o-mini",
) -> str:
    """Place n8n's own model; the Responses API is off because Paywalls does not have it."""
    return workflow.add(
        name,
        "@n8n/n8n-nodes-langchain.lmChatOpenAi",
        1.3,
        at,
        {
            "model": {"__rl": True, "mode": "id", "value": model},
            "responsesApiEnabled": False,
            "options": {},
        },
        "openAiApi",
    )


def chain(
    workflow: Workflow, name: str, text: str, at: tuple[float, float], model: str, **more: object
) -> str:
    """Place a step that asks a model, which stands below it."""
    parameters = {"promptType": "define", "text": text}
    step = workflow.add(name, "@n8n/n8n-nodes-langchain.chainLlm", 1.5, at, parameters, **more)
    workflow.link(model, step, kind="ai_languageModel")
    return step


def every(workflow: Workflow, at: tuple[float, float], *, minutes: int) -> str:
    """Place a start every so many minutes."""
    name = "Every Minute" if minutes == 1 else f"Every {minutes} Minutes"
    rule = {"interval": [{"field": "minutes", "minutesInterval": minutes}]}
    return workflow.add(name, "n8n-nodes-base.scheduleTrigger", 1.2, at, {"rule": rule})


def unseen(workflow: Workflow, name: str, at: tuple[float, float], value: str) -> str:
    """Place a step that lets an item pass once, by a value of it, also in later runs."""
    parameters: Json = {
        "operation": "removeItemsSeenInPreviousExecutions",
        "dedupeValue": value,
        # A full history stops the workflow for good.
        "options": {"historySize": 1_000_000},
    }
    return workflow.add(name, "n8n-nodes-base.removeDuplicates", 2, at, parameters)


def webhook(workflow: Workflow, name: str, at: tuple[float, float], *, answers: bool) -> str:
    """Place a Webhook node that wants a secret; its path is the workflow's own key."""
    return workflow.add(
        name,
        "n8n-nodes-base.webhook",
        2,
        at,
        {
            "httpMethod": "POST",
            "path": workflow.key,
            "authentication": "headerAuth",
            "responseMode": "responseNode" if answers else "lastNode",
            "options": {},
        },
        webhookId=webhook_id(workflow, name),
        credentials={"httpHeaderAuth": {"id": None, "name": WEBHOOK_SECRET}},
    )


def respond(workflow: Workflow, name: str, body: str, at: tuple[float, float]) -> str:
    """Place the answer to the call of a webhook."""
    return workflow.add(
        name,
        "n8n-nodes-base.respondToWebhook",
        1.1,
        at,
        {"respondWith": "json", "responseBody": body, "options": {}},
    )


def values(
    workflow: Workflow, name: str, at: tuple[float, float], items: dict[str, str], **more: object
) -> str:
    """Place a step that gives an item with these texts, and nothing of the one before."""
    rows = [
        {
            "id": str(uuid5(NAMESPACE_URL, f"{workflow.key}/{name}/{key}")),
            "name": key,
            "type": "string",
            "value": value,
        }
        for key, value in items.items()
    ]
    parameters: Json = {"assignments": {"assignments": rows}, "options": {}}
    return workflow.add(name, "n8n-nodes-base.set", 3.4, at, parameters, **more)


def mail(
    workflow: Workflow, name: str, at: tuple[float, float], to: str, subject: str, text: str
) -> str:
    """Place a mail in plain text."""
    return workflow.add(
        name,
        "n8n-nodes-base.emailSend",
        2.1,
        at,
        {
            "fromEmail": "billing@example.com",
            "toEmail": to,
            "subject": subject,
            "emailFormat": "text",
            "text": text,
            "options": {"appendAttribution": False},
        },
        "smtp",
    )


def branch(workflow: Workflow, name: str, at: tuple[float, float], wanted: str) -> str:
    """Place an IF on an expression: what it is true for leaves by the first output."""
    return workflow.add(name, "n8n-nodes-base.if", 2.2, at, condition(wanted, "true"))


def switch(workflow: Workflow, name: str, at: tuple[float, float], outputs: dict[str, str]) -> str:
    """Place a Switch: an output for each expression that can be true, and one for the rest."""
    rules = [
        {
            "conditions": condition(wanted, "true")["conditions"],
            "renameOutput": True,
            "outputKey": key,
        }
        for key, wanted in outputs.items()
    ]
    options = {"fallbackOutput": "extra"}
    parameters = {"rules": {"values": rules}, "options": options}
    return workflow.add(name, "n8n-nodes-base.switch", 3.2, at, parameters)


def stop(workflow: Workflow, name: str, at: tuple[float, float], message: str) -> str:
    """Place an end that makes the run a failed one."""
    parameters = {"errorType": "errorMessage", "errorMessage": message}
    return workflow.add(name, "n8n-nodes-base.stopAndError", 1, at, parameters)


def wait_for_call(workflow: Workflow, name: str, at: tuple[float, float], *, minutes: int) -> str:
    """Place a Wait node that goes on when the run's resume address is called, or after so long."""
    parameters: Json = {
        "resume": "webhook",
        "httpMethod": "POST",
        "limitWaitTime": True,
        "resumeAmount": minutes,
        "resumeUnit": "minutes",
        "options": {},
    }
    own = webhook_id(workflow, name)
    return workflow.add(name, "n8n-nodes-base.wait", 1.1, at, parameters, webhookId=own)


def webhook_id(workflow: Workflow, name: str) -> str:
    """A fixed id, so that the file stays the same."""
    return str(uuid5(NAMESPACE_URL, f"{workflow.key}/{name}/webhook"))


def condition(left: str, operator: str, kind: str = "boolean") -> Json:
    """A condition of the IF and Filter nodes that looks at one value only."""
    return {
        "conditions": {
            "options": {"caseSensitive": True, "typeValidation": "loose", "version": 2},
            "combinator": "and",
            "conditions": [
                {
                    "id": str(uuid5(NAMESPACE_URL, left + operator)),
                    "leftValue": left,
                    "rightValue": "",
                    "operator": {"type": kind, "operation": operator, "singleValue": True},
                }
            ],
        },
        "options": {},
    }


def named(prefix: str, value: str) -> str:
    """A reference of `prefix` and a value; empty without the value, so that the connector asks for
    one instead of taking the prefix alone for a reference that everybody shares."""
    return f"={{{{ {value} ? '{prefix}' + {value} : '' }}}}"
