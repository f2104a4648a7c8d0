"""An MCP server made with `mcp` 2.x whose tools have a price. It listens on $PORT."""
# mypy: ignore-errors

from __future__ import annotations

import asyncio
import os
from typing import Annotated

from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from paid import paid
from pydantic import BaseModel, Field

PORT = int(os.environ["PORT"])
ADDRESS = f"http://127.0.0.1:{PORT}"


class Verifier(TokenVerifier):
    """`of-ann` is ann's token; `of-` is an app's, with nobody behind it."""

    async def verify_token(self, token: str) -> AccessToken | None:
        user = token.removeprefix("of-")
        return AccessToken(token=token, client_id="app", scopes=[], subject=user or None)


class Page(BaseModel):
    number: int
    words: list[str] = []


server = MCPServer(
    "Paid",
    token_verifier=Verifier(),
    auth=AuthSettings(
        issuer_url=ADDRESS, resource_server_url=ADDRESS, validate_token_resource=False
    ),
)
runs = 0


def work(text: str) -> int:
    global runs
    runs += 1
    if not text:
        raise ToolError("There is no word in this text.")
    if text == "crash":
        raise RuntimeError("password=hunter2")
    return len(text.split())


@server.tool()
@paid("pdf-parse")
async def count(text: str, ctx: Context, user: str = "") -> int:
    """Count the words."""
    if text == "forever":
        await asyncio.Event().wait()
    return work(text)


@server.tool()
@paid("pdf-parse")
def count_sync(text: str, ctx: Context, user: str = "") -> int:
    """Count the words."""
    return work(text)


@server.tool()
@paid("pdf-parse", order="after")
async def look(text: str, ctx: Context, user: str = "") -> int:
    """Count the words."""
    return work(text)


@server.tool()
@paid("pdf-parse", order="after")
def look_sync(text: str, ctx: Context, user: str = "") -> int:
    """Count the words."""
    return work(text)


@server.tool()
@paid("pdf-parse")
async def no_context(text: str) -> int:
    """Count the words."""
    return work(text)


async def shape(
    page: Page, times: Annotated[int, Field(ge=1, description="How often")] = 1
) -> list[Page]:
    """Repeat a page."""
    return [page] * times


server.tool(name="shape_paid")(paid("pdf-parse")(shape))
server.tool(name="shape_free")(shape)


@server.tool()
def counted() -> int:
    """How often a tool ran."""
    return runs


if __name__ == "__main__":
    server.run("streamable-http", port=PORT)
