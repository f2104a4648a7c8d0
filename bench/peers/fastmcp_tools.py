"""One tool like ours, written plainly: FastMCP, pydantic and one shared httpx.AsyncClient."""

# It runs in a virtualenv of its own, where FastMCP is installed.
# mypy: disable-error-code="import-not-found, untyped-decorator, misc"

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Annotated

import httpx
from fastmcp import FastMCP
from fastmcp.exceptions import ToolError
from fastmcp.server.dependencies import get_http_headers
from pydantic import BaseModel, Field

UPSTREAM = os.environ["BENCH_UPSTREAM_URL"]
LIMITS = httpx.Limits(max_connections=2000, max_keepalive_connections=2000)
_shared: dict[str, httpx.AsyncClient] = {}


@asynccontextmanager
async def lifespan(server: FastMCP) -> AsyncIterator[None]:
    async with httpx.AsyncClient(timeout=20, limits=LIMITS) as client:
        _shared["client"] = client
        yield


mcp = FastMCP("peer", lifespan=lifespan)
User = Annotated[str, Field(min_length=1, max_length=128, description="Your id of the user.")]


class Balance(BaseModel):
    success: bool
    outcome: str
    message: str
    user: str
    balance: str
    balance_formatted: str
    balance_raw: str
    sufficient: bool


@mcp.tool(annotations={"readOnlyHint": True})
async def balance(user: User) -> Balance:
    """Tells what a user has left."""
    bearer = get_http_headers(include={"authorization"}).get("authorization", "")
    if not bearer.startswith("Bearer "):
        raise ToolError("A key is needed.")
    try:
        response = await _shared["client"].get(
            f"{UPSTREAM}/user/balance", params={"user": user}, headers={"authorization": bearer}
        )
    except httpx.HTTPError as error:
        raise ToolError("upstream failed") from error
    if response.status_code != 200:
        raise ToolError("upstream failed")
    result = response.json()
    number = Decimal(result["balanceFormatted"].lstrip("$"))
    return Balance(
        success=True,
        outcome="sufficient" if number > 0 else "insufficient",
        message=f"The balance is {result['balanceFormatted']}.",
        user=user,
        balance=str(number),
        balance_formatted=result["balanceFormatted"],
        balance_raw=result["balance"],
        sufficient=number > 0,
    )


app = mcp.http_app(path="/mcp", stateless_http=True, json_response=True)
