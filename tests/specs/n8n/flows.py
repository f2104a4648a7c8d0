"""Workflows as a builder puts them together, for the tests."""

from __future__ import annotations

import json
from typing import Any

from connector.specs.n8n.workflow_parts import Workflow, webhook_id

Json = dict[str, Any]
GO = "Go"
STEP = "Step"


def step(operation: str, resource: str, parameters: Json, **more: object) -> Json:
    """A workflow of one step of our node, started by hand; it counts, unless `parameters` say that
    it is a test run."""
    flow = Workflow(operation, operation)
    start = flow.add(GO, "n8n-nodes-base.manualTrigger", 1, (0, 0), {})
    chosen = {"resource": resource, "operation": operation, "when_tested": "count", **parameters}
    kind = "n8n-nodes-paywalls.paywalls"
    flow.row(start, flow.add(STEP, kind, 1, (1, 0), chosen, "paywallsApi", **more))
    return as_json(flow)


def started_by(node: str, name: str, parameters: Json) -> Json:
    """A workflow that one of our triggers starts."""
    flow = Workflow(name, name)
    start = flow.add(
        GO,
        f"n8n-nodes-paywalls.{node}",
        1,
        (0, 0),
        parameters,
        "paywallsApi",
        webhookId=webhook_id(flow, name),
    )
    flow.row(start, flow.add(STEP, "n8n-nodes-base.noOp", 1, (1, 0), {}))
    return as_json(flow)


def chain(user: str, prompt: str, **options: object) -> Json:
    """A Basic LLM Chain over our chat model."""
    flow = Workflow("chain", "chain")
    start = flow.add(GO, "n8n-nodes-base.manualTrigger", 1, (0, 0), {})
    parameters = {"promptType": "define", "text": prompt}
    asked = flow.add(STEP, "@n8n/n8n-nodes-langchain.chainLlm", 1.5, (1, 0), parameters)
    name = {"__rl": True, "mode": "list", "value": "sandbox-echo"}
    model = flow.add(
        "Model",
        "n8n-nodes-paywalls.paywallsChatModel",
        1,
        (1, 1),
        {"user": user, "model": name, "options": options},
        "paywallsApi",
    )
    flow.row(start, asked)
    flow.link(model, asked, kind="ai_languageModel")
    return as_json(flow)


def as_json(flow: Workflow) -> Json:
    """The workflow as n8n's editor reads it."""
    result: Json = json.loads(flow.text())
    return result
