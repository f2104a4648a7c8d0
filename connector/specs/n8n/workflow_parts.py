"""What workflows are put together from: nodes in a row, and the connector's actions in both forms.

Source of the nodes' parameters: what n8n's own editor exports.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from connector import actions as actions_folder
from connector.catalog.actions import by_key
from connector.specs.n8n.action_node import refuses, resource

Json = dict[str, Any]

PAYWALLS = "n8n-nodes-paywalls.paywalls"
PAYWALLS_TOOL = "n8n-nodes-paywalls.paywallsTool"
HTTP = "n8n-nodes-base.httpRequest"
HTTP_TOOL = "n8n-nodes-base.httpRequestTool"
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
GUARDED = (
    f" **Webhook**: make a *Header Auth* credential named *{WEBHOOK_SECRET}*, with a header such "
    "as `X-Webhook-Secret` and a long random value, and have your app send it. Without it anybody "
    "who knows the address could move money."
)
_COLUMN, _ROW = 220, 200
_KEY = (
    "**Credential**: *Paywalls API* with your paywall's secret key and the address of your "
    "connector."
)
_HEADER_KEY = (
    "**Credential**: *Header Auth*, name `X-API-Key`, value your paywall's secret key. The address "
    "of your connector stands in the HTTP Request steps."
)


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
        """What to set up, on a note above the nodes."""
        size = {"height": 220, "width": 620}
        self.add("Set-Up", "n8n-nodes-base.stickyNote", 1, (0, -1.6), {"content": text, **size})

    def text(self) -> str:
        """The workflow as n8n imports it."""
        workflow = {
            "name": self.name,
            "nodes": self.nodes,
            "connections": self.connections,
            "settings": {"executionOrder": "v1"},
        }
        return json.dumps(workflow, indent=2, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class Variant:
    """Whether actions are steps of our node, or HTTP requests to the connector at `address`."""

    address: str
    http: bool

    def action(
        self,
        workflow: Workflow,
        name: str,
        key: str,
        values: Json,
        at: tuple[float, float],
        *,
        on_refusal: str = "",
        tool: str = "",
    ) -> str:
        """Place an action. It tries again where that is safe; `tool` describes it to an agent."""
        actions_folder.load()
        action = by_key(key)
        if action is None:
            raise KeyError(key)
        again: Json = {}
        if action.exactly_once and not tool:
            again = {"retryOnFail": True, "maxTries": 3, "waitBetweenTries": 2000}
        described = {"descriptionType": "manual", "toolDescription": tool} if tool else {}
        if self.http:
            parameters = {**_request(self.address, f"/v1{action.path}", values)}
            if tool:
                parameters["toolDescription"] = tool
            kind, version = (HTTP_TOOL, 4.2) if tool else (HTTP, 4.2)
            return workflow.add(name, kind, version, at, parameters, "httpHeaderAuth", **again)
        parameters = {**described, "resource": resource(action), "operation": key, **values}
        if on_refusal and refuses(action):
            parameters["on_refusal"] = on_refusal
        kind = PAYWALLS_TOOL if tool else PAYWALLS
        return workflow.add(name, kind, 1, at, parameters, "paywallsApi", **again)

    def stops_unless_done(self, workflow: Workflow, action: str, at: tuple[float, float]) -> None:
        """Stop behind an HTTP request that answers `success` false; our node does that itself."""
        if not self.http:
            return
        done = workflow.add(
            "Done?", "n8n-nodes-base.if", 2.2, at, condition("={{ $json.success }}", "true")
        )
        stop = workflow.add(
            "Stop",
            "n8n-nodes-base.stopAndError",
            1,
            (at[0] + 1, at[1] + 0.5),
            {"errorType": "errorMessage", "errorMessage": "={{ $json.message }}"},
        )
        workflow.row(action, done)
        workflow.link(done, stop, output=1)

    def model(self, workflow: Workflow, user: str, at: tuple[float, float]) -> str:
        """Place a chat model: ours, which the user pays for, or n8n's own for OpenAI."""
        name = {"__rl": True, "mode": "id", "value": "gpt-4o-mini"}
        if self.http:
            return openai_model(workflow, at)
        return workflow.add(
            "Paywalls Chat Model",
            "n8n-nodes-paywalls.paywallsChatModel",
            1,
            at,
            {"user": user, "model": name, "options": {}},
            "paywallsApi",
        )


def set_up(workflow: Workflow, variant: Variant, what: str) -> None:
    """Note what to set up; the name tells the variants apart."""
    workflow.note(f"## {workflow.name}\n{what}\n\n{_HEADER_KEY if variant.http else _KEY}")
    if variant.http:
        workflow.name += " (HTTP Request)"


def openai_model(workflow: Workflow, at: tuple[float, float]) -> str:
    """Place n8n's own model; the Responses API is off because Paywalls does not have it."""
    return workflow.add(
        "OpenAI Chat Model",
        "@n8n/n8n-nodes-langchain.lmChatOpenAi",
        1.3,
        at,
        {
            "model": {"__rl": True, "mode": "id", "value": "gpt-4o-mini"},
            "responsesApiEnabled": False,
            "options": {},
        },
        "openAiApi",
    )


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


def _request(address: str, path: str, values: Json) -> Json:
    return {
        "method": "POST",
        "url": f"{address}{path}",
        "authentication": "genericCredentialType",
        "genericAuthType": "httpHeaderAuth",
        "sendBody": True,
        "specifyBody": "keypair",
        "bodyParameters": {"parameters": [{"name": n, "value": v} for n, v in values.items()]},
        "options": {},
    }
