"""The MCP clients that tests use, pinned: two majors of the Python SDK, each in a virtual
environment of its own, and what is written for Node."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import sys
import time
from pathlib import Path

from tests.support import node

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
    lock = CLIENTS / f"mcp{major}.lock"
    name = f"mcp{major}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    folder = node.CACHE / name
    node.CACHE.mkdir(parents=True, exist_ok=True)
    with (node.CACHE / f"{name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (folder / ".done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            node.run([sys.executable, "-m", "venv", folder], node.CACHE)
            pip: list[str | Path] = [folder / "bin" / "python", "-m", "pip", "install", "--quiet"]
            node.run([*pip, "--require-hashes", "-r", lock], node.CACHE)
            (folder / ".done").touch()
    return folder / "bin" / "python"


def program(name: str) -> list[str]:
    """The command of a program for Node: `mcp-inspector` or `conformance`."""
    folder = node.installed("mcp", _NODE)
    return [str(node.BIN / "node"), str((folder / "node_modules/.bin" / name).resolve())]


if __name__ == "__main__":
    for install in (lambda: python(1), lambda: python(2), lambda: program("conformance")):
        begun = time.monotonic()
        sys.stdout.write(f"{install()} {time.monotonic() - begun:.0f} s\n")
