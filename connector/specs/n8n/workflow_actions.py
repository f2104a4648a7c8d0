"""The connector's actions as steps of a workflow: of our node, and of the HTTP Request node."""

from __future__ import annotations

from dataclasses import dataclass

from connector import actions as actions_folder
from connector.catalog.actions import by_key
from connector.catalog.outcomes import GOES_ON
from connector.specs.n8n.action_node import refuses, resource
from connector.specs.n8n.workflow_parts import (
    WEBHOOK_SECRET,
    Json,
    Workflow,
    branch,
    every,
    openai_model,
    stop,
    webhook_id,
)

PAYWALLS = "n8n-nodes-paywalls.paywalls"
TRIGGER = "n8n-nodes-paywalls.paywallsTrigger"
PAYWALLS_TOOL = "n8n-nodes-paywalls.paywallsTool"
HTTP = "n8n-nodes-base.httpRequest"
HTTP_TOOL = "n8n-nodes-base.httpRequestTool"
GUARDED = (
    f" **Webhook**: make a *Header Auth* credential named *{WEBHOOK_SECRET}*, with a header such "
    "as `X-Webhook-Secret` and a long random value, and have your app send it. Without it anybody "
    "who knows the address could move money."
)
_KEY = (
    "**Credential**: *Paywalls API* with your paywall's secret key and the address of your "
    "connector."
)
_HEADER_KEY = (
    "**Credential**: *Header Auth*, name `X-API-Key`, value your paywall's secret key. The address "
    "of your connector stands in the HTTP Request steps."
)
_BY_HEADER = {"authentication": "genericCredentialType", "genericAuthType": "httpHeaderAuth"}
_DONE = f"={{{{ $json.success || {list(GOES_ON)}.includes($json.outcome) }}}}"


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
        optional: Json | None = None,
        on_refusal: str = "",
        tool: str = "",
        **more: object,
    ) -> str:
        """Place an action. It tries again where that is safe; `optional` are the values that our
        node keeps among its additional fields, `tool` describes it to an agent."""
        actions_folder.load()
        action = by_key(key)
        if action is None:
            raise KeyError(key)
        again: Json = dict(more)
        if (action.exactly_once or action.at_most_once) and "reference" in values and not tool:
            again |= {"retryOnFail": True, "maxTries": 3, "waitBetweenTries": 2000}
        described = {"descriptionType": "manual", "toolDescription": tool} if tool else {}
        if self.http:
            parameters = {**_request(self.address, f"/v1{action.path}", values | (optional or {}))}
            if tool:
                parameters["toolDescription"] = tool
            kind, version = (HTTP_TOOL, 4.2) if tool else (HTTP, 4.2)
            return workflow.add(name, kind, version, at, parameters, "httpHeaderAuth", **again)
        parameters = {**described, "resource": resource(action), "operation": key, **values}
        if optional:
            parameters["additionalFields"] = optional
        if on_refusal and refuses(action):
            parameters["on_refusal"] = on_refusal
        kind = PAYWALLS_TOOL if tool else PAYWALLS
        return workflow.add(name, kind, 1, at, parameters, "paywallsApi", **again)

    def events(
        self,
        workflow: Workflow,
        event: str,
        *,
        trigger: str,
        column: int,
        request: str,
        minutes: int,
        query: str = "",
    ) -> list[str]:
        """Place what begins with every event of a kind, in these words: our trigger at `column`, or
        a request for the newest ones every so many minutes, which also gives those seen before."""
        if not self.http:
            own = {"event": event, "user": "", "sample": True}
            id = webhook_id(workflow, trigger)
            at = (column, 0)
            return [workflow.add(trigger, TRIGGER, 1, at, own, "paywallsApi", webhookId=id)]
        address = f"{self.address}/v1/triggers/{event}{query}"
        asked: Json = {"url": address, **_BY_HEADER, "options": {}}
        return [
            every(workflow, (0, 0), minutes=minutes),
            workflow.add(request, HTTP, 4.2, (1, 0), asked, "httpHeaderAuth"),
        ]

    def stops_unless_done(self, workflow: Workflow, action: str, at: tuple[float, float]) -> None:
        """Stop behind an HTTP request that answers `success` false; our node does that itself."""
        if not self.http:
            return
        done = branch(workflow, f"{action}: Done?", at, _DONE)
        end = stop(workflow, f"{action}: Stop", (at[0] + 1, at[1] + 0.5), "={{ $json.message }}")
        workflow.row(action, done)
        workflow.link(done, end, output=1)

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


def _request(address: str, path: str, values: Json) -> Json:
    return {
        "method": "POST",
        "url": f"{address}{path}",
        **_BY_HEADER,
        "sendBody": True,
        "specifyBody": "keypair",
        "bodyParameters": {"parameters": [{"name": n, "value": v} for n, v in values.items()]},
        "options": {},
    }
