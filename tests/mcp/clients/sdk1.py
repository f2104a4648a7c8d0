"""The same with the package `mcp` 1.x, which speaks the older wire alone; a mode is not asked."""
# mypy: ignore-errors

import asyncio
import json
import os
import sys

import httpx
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client


async def main(address: str, tool: str, arguments: str) -> None:
    headers = {"Authorization": f"Bearer {os.environ['MCP_KEY']}"}
    async with (
        httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as http,
        streamable_http_client(address, http_client=http) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        greeting = await session.initialize()
        tools = await session.list_tools()
        result = await session.call_tool(tool, json.loads(arguments))
        told = {
            "version": greeting.protocolVersion,
            "tools": [one.name for one in tools.tools],
            "failed": result.isError,
            "text": result.content[0].text,
            "structured": result.structuredContent,
        }
    sys.stdout.write(json.dumps(told))


asyncio.run(main(*sys.argv[1:4]))
