"""The MCP clients that tests use, pinned: two majors of the Python SDK, each in a virtual
environment of its own, and what is written for Node."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from tests.support import node, python_environment

CLIENTS = Path(__file__).parent / "clients"
INSPECTOR_VERSION = "2.12.0"
CONFORMANCE_VERSION = "0.2.0-alpha.12"
_NODE = json.dumps(
    {
        "private": True,
        "dependencies": {
            "@modelcontextprotocol/conformance": CONFORMANCE_VERSION,
            "@modelcontextprotocol/inspector": INSPECTOR_VERSION,
        },
    }
)


def python(major: int) -> Path:
    """A Python that has this major of the package `mcp`, as `clients/mcp<major>.lock` pins it."""
    return python_environment.installed(f"mcp{major}", CLIENTS / f"mcp{major}.lock")


def program(name: str) -> list[str]:
    """The command of a program for Node: `mcp-inspector` or `conformance`."""
    folder = node.installed("mcp", _NODE)
    return [str(node.BIN / "node"), str((folder / "node_modules/.bin" / name).resolve())]


if __name__ == "__main__":
    for install in (lambda: python(1), lambda: python(2), lambda: program("conformance")):
        begun = time.monotonic()
        sys.stdout.write(f"{install()} {time.monotonic() - begun:.0f} s\n")
