"""n8n's own MCP Client Tool at an AI Agent, set up as `docs/mcp.md` says: the agent charges."""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import Any

import httpx
import pytest

from connector.specs.n8n.workflow_parts import Workflow
from tests.specs.n8n.conftest import ConnectedApp
from tests.specs.n8n.executions import Execution
from tests.specs.n8n.flows import GO, as_json

Json = dict[str, Any]
pytestmark = pytest.mark.xdist_group("n8n")
AGENT = "AI Agent"
TOOL = "Paywalls"
MODEL_PAYS = "model-payer"


@pytest.fixture
def token(connected_app: ConnectedApp) -> str:
    """A token that may only charge, and not much."""
    values = {"label": "An agent", "actions": "charge", "max_amount": "1.00"}
    address = f"{connected_app.connector.address}/v1/tokens"
    answer = httpx.post(
        address, json=values, headers=connected_app.paywall.bearer, trust_env=False
    ).raise_for_status()
    made: str = answer.json()["token"]
    return made


def agent(connected_app: ConnectedApp, token: str, **options: object) -> Json:
    """A saved workflow: the agent, our model that plays its part, and the MCP Client Tool."""
    connected_app.paywall.user(MODEL_PAYS, balance="100.00", connected=True)
    name = f"Bearer {secrets.token_hex(4)}"
    credential = connected_app.n8n.credential("httpBearerAuth", name, {"token": token})
    flow = Workflow("mcp", f"MCP {secrets.token_hex(4)}")
    start = flow.add(GO, "n8n-nodes-base.manualTrigger", 1, (0, 0), {})
    parameters: Json = {"promptType": "define", "text": "={{ $json.prompt }}", "options": {}}
    helper = flow.add(AGENT, "@n8n/n8n-nodes-langchain.agent", 2, (1, 0), parameters)
    chosen = {"__rl": True, "mode": "list", "value": "sandbox-chat"}
    model = flow.add(
        "Model",
        "n8n-nodes-paywalls.paywallsChatModel",
        1,
        (1, 1),
        {"user": MODEL_PAYS, "model": chosen, "options": {}},
        "paywallsApi",
    )
    tools = flow.add(
        TOOL,
        "@n8n/n8n-nodes-langchain.mcpClientTool",
        1.4,
        (2, 1),
        {
            "endpointUrl": f"{connected_app.connector.address}/mcp",
            "serverTransport": "httpStreamable",
            "authentication": "bearerAuth",
            "include": "all",
            "options": options,
        },
        credentials={"httpBearerAuth": {"id": credential, "name": name}},
    )
    flow.row(start, helper)
    flow.link(model, helper, kind="ai_languageModel")
    flow.link(tools, helper, kind="ai_tool")
    return connected_app.n8n.save(as_json(flow))


def asks(connected_app: ConnectedApp, workflow: Json, prompt: str) -> Execution:
    """Say something to the agent."""
    return connected_app.n8n.run(workflow, GO, [{"prompt": prompt}])


def prompt(user: str, amount: str, order: str) -> str:
    """What makes the sandbox's model call the tool with these values."""
    return f'Call Paywalls_charge for the user "{user}", amount {amount}, order "{order}".'


def test_an_agent_charges_a_user_once(connected_app: ConnectedApp, token: str) -> None:
    user, order = f"mcp-{secrets.token_hex(4)}", f"order-{secrets.token_hex(4)}"
    connected_app.paywall.user(user, balance="5.00", connected=True)
    for _ in range(2):
        workflow = agent(connected_app, token)
        done = asks(connected_app, workflow, prompt(user, "0.25", order))
        assert done.status == "success", done.error
        assert TOOL in done.ran
        assert "charged" in done.items(AGENT)[0]["output"]
        assert connected_app.paywall.balance(user) == Decimal("4.75")
    assert [row["amount"] for row in connected_app.booked(user)] == ["0.25"]


def test_an_agent_gets_the_link_of_a_refusal(connected_app: ConnectedApp, token: str) -> None:
    user = f"mcp-poor-{secrets.token_hex(4)}"
    connected_app.paywall.user(user, balance="0.10", connected=True)
    workflow = agent(connected_app, token)
    done = asks(connected_app, workflow, prompt(user, "0.25", f"order-{secrets.token_hex(4)}"))
    assert done.status == "success", done.error
    (answer,) = done.items(AGENT)
    assert "topup_required" in answer["output"]
    assert "/checkout/" in answer["output"]
    assert connected_app.booked(user) == []


def test_a_token_keeps_an_agent_from_charging_more(connected_app: ConnectedApp, token: str) -> None:
    """The model reads why, and nothing is charged."""
    user = f"mcp-dear-{secrets.token_hex(4)}"
    connected_app.paywall.user(user, balance="50.00", connected=True)
    workflow = agent(connected_app, token)
    done = asks(connected_app, workflow, prompt(user, "20.00", f"order-{secrets.token_hex(4)}"))
    assert done.status == "success", done.error
    assert "allows at most 1 at a time" in done.items(AGENT)[0]["output"]
    assert connected_app.booked(user) == []


def test_a_wrong_token_is_a_failed_run(connected_app: ConnectedApp) -> None:
    workflow = agent(connected_app, "pwc_guessed")
    done = asks(connected_app, workflow, prompt("anybody", "0.25", "order-1"))
    assert done.status == "error"
    assert connected_app.booked("anybody") == []
