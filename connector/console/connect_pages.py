"""Connect in the console: a fresh token for a tool, what to enter there, and a light for its first
call."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, request

from connector.api.authentication import ONLY_THE_KEY, Access, Caller
from connector.api.services import services
from connector.api.token_routes import make_token
from connector.console.doors import changed, console_page, problem, seen
from connector.security import rights
from connector.security.tokens import Token


@dataclass(frozen=True)
class Tool:
    """A tool, what a token for it may do, and the steps with `{address}` in them."""

    label: str
    actions: tuple[str, ...]
    steps: tuple[str, ...]


_FLOWS = (*rights.UNLESS_NAMED, "chat", "deposit", "refund", "disconnect", "transactions")
TOOLS = {
    "zapier": Tool(
        "Zapier",
        (*_FLOWS, rights.TRIGGERS),
        (
            "Push the app to your account once: download it from /specs.",
            "In Zapier, connect it: the token as API Key, {address} as Connector Address.",
            "Zapier tests the connection; that is its first call.",
        ),
    ),
    "n8n": Tool(
        "n8n",
        (*_FLOWS, rights.TRIGGERS),
        (
            "Install the nodes, or import a workflow that ends in -http: both are on /specs.",
            "Make the credential “Paywalls API”: the token as API Key, {address} as Connector "
            "Address.",
            "n8n tests the credential when you save it; that is its first call.",
        ),
    ),
    "flowxo": Tool(
        "FlowXO",
        (*_FLOWS, rights.TRIGGERS),
        (
            "Add the task “Webhooks & HTTP” to your flow.",
            "Copy the fields from /specs/flowxo, with the token as the header X-API-Key.",
            "Test the task; that is its first call.",
        ),
    ),
    "mcp": Tool(
        "MCP",
        rights.UNLESS_NAMED,
        (
            "Add a server with the address {address}/mcp to your agent.",
            "Enter the token as its Bearer token.",
            "The agent asks for its tools; that is its first call.",
        ),
    ),
    "http": Tool(
        "HTTP",
        _FLOWS,
        (
            "Send the token as the header X-API-Key.",
            "Ask for {address}/v1/me: that is its first call.",
        ),
    ),
}


def add_to(blp: Blueprint) -> None:
    """The routes under /console/connect."""

    @blp.get("/connect")
    @seen(ONLY_THE_KEY)
    def connect(caller: Caller) -> Response:
        made = [one for one in services().tokens.listing(caller.paywall) if one.label in _labels()]
        return console_page("console/connect.html", tools=TOOLS, tokens=made)

    @blp.post("/connect")
    @changed(ONLY_THE_KEY, Access.ACCEPTED)
    def make(caller: Caller) -> Response:
        tool = TOOLS.get(request.form.get("tool", ""))
        if tool is None:
            return problem(400, "No token was made", "Choose the tool that it is for.")
        names = [name for name in rights.known() if name in tool.actions]
        values = {"label": tool.label, "actions": ",".join(names)}
        token, text = make_token(services(), caller, values)
        return console_page("console/connected.html", tool=tool, token=token, text=text)

    @blp.get("/connect/<token_id>")
    @seen(ONLY_THE_KEY)
    def light(caller: Caller, token_id: str) -> Response:
        """The same light, looked at again."""
        made = [one for one in services().tokens.listing(caller.paywall) if one.id == token_id]
        if not made:
            return problem(404, "There is no such token", "It was revoked. Make a new one.")
        return console_page("console/connected.html", tool=_tool(made[0]), token=made[0], text="")


def _labels() -> set[str]:
    return {tool.label for tool in TOOLS.values()}


def _tool(token: Token) -> Tool:
    named = [tool for tool in TOOLS.values() if tool.label == token.label]
    return named[0] if named else TOOLS["http"]
