"""An agent's call of a tool over `/mcp`, beside a server written with FastMCP."""

from __future__ import annotations

import click

from bench import calls, servers
from bench.contest import Contestant, compete
from bench.figures import Figure
from bench.servers import Bench, Running
from bench.throughput import row

_AIM = 2.0


def measure(bench: Bench, running: Running) -> list[Figure]:
    """A row for each of the two wires of MCP."""
    rows = []
    with servers.fastmcp(bench) as peer:
        for version in (calls.NEWER_WIRE, calls.OLDER_WIRE):
            click.echo(f"tools/call over /mcp, {version}, 16 connections")
            call = calls.tool_call(version)
            contestants = [
                Contestant("connector", running.ours, call),
                Contestant("FastMCP", peer, call),
            ]
            results = compete(contestants, rounds=bench.rounds, seconds=bench.seconds)
            name = f"`tools/call` of a read over `/mcp` ({version}), 16 connections"
            rows.append(row(name, results, "connector", "FastMCP", _AIM))
    return rows
