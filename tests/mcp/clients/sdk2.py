"""Calls one tool with the package `mcp` 2.x. Arguments: address, tool, arguments as JSON, mode
("auto" or "legacy"); the key is in $MCP_KEY. Prints what the client saw, as JSON."""
# mypy: ignore-errors

import asyncio
import json
import os
import sys

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client


async def main(address: str, tool: str, arguments: str, mode: str) -> None:
    headers = {"Authorization": f"Bearer {os.environ['MCP_KEY']}"}
    async with httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60) as http:
        transport = streamable_http_client(address, http_client=http)
        async with Client(transport, mode=mode) as client:
            tools = await client.list_tools()
            result = await client.call_tool(tool, json.loads(arguments))
            told = {
                "version": client.protocol_version,
                "tools": [one.name for one in tools.tools],
                "failed": result.is_error,
                "text": result.content[0].text,
                "structured": result.structured_content,
            }
    sys.stdout.write(json.dumps(told))


asyncio.run(main(*sys.argv[1:]))
